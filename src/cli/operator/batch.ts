import { inBatch, type Outcome } from '../../core/operations/batch.ts'
import type { Terminal } from '../terminal/command.ts'
import { bar } from '../terminal/progress.ts'

/** Does the same for each item as `inBatch` does, and shows a progress bar. */
export async function forEachOf<I, T>(
  { progress }: Pick<Terminal, 'progress'>,
  verb: string,
  items: readonly I[],
  work: (item: I) => Promise<T>,
): Promise<readonly Outcome<I, T>[]> {
  try {
    return await inBatch(items, work, (done) => progress?.(bar(verb, done, items.length)))
  } finally {
    progress?.('')
  }
}
