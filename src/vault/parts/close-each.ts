import { withDeadline } from '../../core/host/deadline.ts'

export interface Closable {
  close(): Promise<void>
}

/** Closes one group after the other, the parts of a group together. Throws the first error, including those in `ended`. */
export async function closeEach(
  groups: readonly (readonly Closable[])[],
  ended: readonly PromiseSettledResult<void>[],
  milliseconds: number,
): Promise<void> {
  const closed = [...ended]
  for (const parts of groups) {
    const within = async (part: Closable) => withDeadline('A part of the vault', milliseconds, () => part.close())
    closed.push(...(await Promise.allSettled(parts.map(within))))
  }
  const failed = closed.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/**
 * Runs `work` and closes what is already open if it fails: a backend may have logged in, an audit log may have begun, and a pending store
 * may hold a connection.
 */
export async function orClose<T>(opened: readonly Closable[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await Promise.allSettled(opened.map((one) => one.close()))
    throw error
  }
}
