/** Waits until each has ended, and only then rejects with the first error: one that fails must not cut the others off. */
export async function allDone<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}

/** Waits until the work has ended, and returns how: `Promise.allSettled` for one. */
export function settled<R>(work: Promise<R>): Promise<PromiseSettledResult<R>> {
  return work.then(
    (value) => ({ status: 'fulfilled', value }),
    (reason: unknown) => ({ status: 'rejected', reason }),
  )
}
