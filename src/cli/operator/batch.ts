import { inBatch, type Outcome } from '../../core/operations/batch.ts'
import type { Terminal } from '../terminal/command.ts'
import { bar } from '../terminal/progress.ts'

/** Does the same for each item as `inBatch` does, and shows a progress bar. */
export function forEachOf<I, T>(
  terminal: Pick<Terminal, 'progress'>,
  verb: string,
  items: readonly I[],
  work: (item: I) => Promise<T>,
): Promise<readonly Outcome<I, T>[]> {
  return withBar(terminal, verb, (onDone) => inBatch(items, work, (done) => onDone(done, items.length)))
}

/** Shows a progress bar while `work` runs, and removes it afterwards. */
export async function withBar<T>(
  { progress }: Pick<Terminal, 'progress'>,
  verb: string,
  work: (onDone: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  try {
    return await work((done, total) => progress?.(bar(verb, done, total)))
  } finally {
    progress?.('')
  }
}
