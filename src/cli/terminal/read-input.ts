import { UsageError } from './command-line.ts'

/** Room for a hundred thousand credentials of usual size. */
export const MAX_INPUT_BYTES = 64 * 1024 * 1024

/** @throws UsageError for more than 64 MiB */
export async function readInput(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_INPUT_BYTES) throw new UsageError('standard input is longer than 64 MiB; split it')
  }
  return Buffer.concat(chunks)
}

/**
 * Returns the text of a file or of standard input.
 *
 * @param source names it in the error, e.g. `--csv: users.csv`
 * @throws UsageError if it is not UTF-8. A byte order mark, which spreadsheets write, is dropped
 */
export function utf8(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UsageError(`${source} is not UTF-8 text; convert it to UTF-8 first`)
  }
}
