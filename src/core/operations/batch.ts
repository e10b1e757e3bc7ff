import { type CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'

/** Operations at the same time: enough to hide the way to a backend, few enough not to be throttled there. */
const AT_ONCE = 4

/** The result of one item, or the error that the others went on without. */
export type Outcome<T> = { readonly result: T } | { readonly error: CredentialVaultError }

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
): Promise<readonly Outcome<T>[]> {
  const outcomes: Outcome<T>[] = []
  let next = 0
  let done = 0

  async function worker(): Promise<void> {
    while (next < items.length) {
      const at = next
      next += 1
      outcomes[at] = await outcomeOf(work(items[at] as I))
      done += 1
      onDone(done)
    }
  }

  const workers = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason
  return outcomes
}

async function outcomeOf<T>(operation: Promise<T>): Promise<Outcome<T>> {
  try {
    return { result: await operation }
  } catch (error) {
    if (isCredentialVaultError(error)) return { error }
    throw error
  }
}
