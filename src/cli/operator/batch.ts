import { type CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { Terminal } from '../terminal/command.ts'
import { bar } from '../terminal/progress.ts'

/** Operations at the same time: enough to hide a backend's latency, few enough not to be throttled there. */
const AT_ONCE = 4

/** One item with its result, or with the error that did not stop the others. */
export type Outcome<I, T> =
  | { readonly item: I; readonly result: T }
  | { readonly item: I; readonly error: CredentialVaultError }

/**
 * Runs an operation on each item and shows a progress bar. The failure of one item does not stop the others, so that running the command
 * again does the rest. The outcomes have the order of the items.
 *
 * @throws any other error than a {@link CredentialVaultError}, once the operations that have begun are done
 */
export async function forEachOf<I, T>(
  { progress }: Pick<Terminal, 'progress'>,
  verb: string,
  items: readonly I[],
  work: (item: I) => Promise<T>,
): Promise<readonly Outcome<I, T>[]> {
  const outcomes: Outcome<I, T>[] = []
  let next = 0
  let done = 0

  async function worker(): Promise<void> {
    while (next < items.length) {
      const at = next
      next += 1
      const item = items[at] as I
      outcomes[at] = await outcomeOf(item, work(item))
      done += 1
      progress?.(bar(verb, done, items.length))
    }
  }

  const workers = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  progress?.('')
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason
  return outcomes
}

async function outcomeOf<I, T>(item: I, operation: Promise<T>): Promise<Outcome<I, T>> {
  try {
    return { item, result: await operation }
  } catch (error) {
    if (isCredentialVaultError(error)) return { item, error }
    throw error
  }
}
