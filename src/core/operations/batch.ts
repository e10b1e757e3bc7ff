import { type CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'

/** Operations at the same time: enough to hide the way to a backend, few enough not to be throttled there. */
const AT_ONCE = 4

/** One item with its result, or with the error that did not stop the others. */
export type Outcome<I, T> =
  | { readonly item: I; readonly result: T }
  | { readonly item: I; readonly error: CredentialVaultError }

/**
 * Does the same for each item, four at a time. One item's failure does not keep the others from being done: doing it again then does what
 * is left. The outcomes have the order of the items.
 *
 * @param onDone called after each item with the number of items done
 * @throws what is not one of our own errors, once the operations that have begun are done
 */
export async function inBatch<I, T>(
  items: readonly I[],
  work: (item: I) => Promise<T>,
  onDone: (done: number) => void = () => undefined,
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
      onDone(done)
    }
  }

  const workers = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
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
