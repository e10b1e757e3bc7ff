/** Resolves to the errors that nothing has caught while the work ran, which Vitest would otherwise count as failures. */
export async function uncaughtDuring(work: () => Promise<void>): Promise<readonly unknown[]> {
  const thrown: unknown[] = []
  const note = (error: unknown) => void thrown.push(error)
  const earlier = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
  try {
    await work()
    return thrown
  } finally {
    process.off('uncaughtException', note)
    for (const listener of earlier) process.on('uncaughtException', listener)
  }
}
