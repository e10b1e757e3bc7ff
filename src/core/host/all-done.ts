/** Waits until each has ended, and only then rejects with the first error: one that fails must not cut the others off. */
export async function allDone<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}
