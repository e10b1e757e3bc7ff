import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { MAX_VALUE_LENGTH } from '../../core/model/variables.ts'
import type { ReadSecretOptions } from './command.ts'
import { Cancelled, UsageError } from './command-line.ts'

/** UTF-8 bytes of the longest value, with room for a line end that an editor adds. */
const MAX_BYTES = 4 * MAX_VALUE_LENGTH + 1024

/**
 * Reads one secret: with a hidden prompt on a terminal, else all of standard input, byte for byte.
 *
 * @throws UsageError for input that is not UTF-8 text, begins with a byte order mark, or is longer than any value may be; Cancelled for
 *   Ctrl+C or Ctrl+D at the prompt
 */
export async function readSecret(
  prompt: string,
  { severalLines = false }: ReadSecretOptions = {},
  stdin: NodeJS.ReadStream = process.stdin,
): Promise<string> {
  if (!stdin.isTTY) return decoded(await allOf(stdin))
  if (severalLines) throw new UsageError('a value of several lines is read from a file or pipe, not from the terminal')
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  return lineFrom(prompt, silent, stdin)
}

/**
 * Asks on a terminal, which shows what is typed.
 *
 * @throws Cancelled for Ctrl+C or Ctrl+D
 */
export function ask(question: string, stdin: NodeJS.ReadStream = process.stdin): Promise<string> {
  return lineFrom(question, process.stderr, stdin)
}

async function lineFrom(prompt: string, echo: NodeJS.WritableStream, stdin: NodeJS.ReadStream): Promise<string> {
  process.stderr.write(prompt)
  const lines = createInterface({ input: stdin, output: echo, terminal: true })
  try {
    // After Ctrl+D the prompt would never resolve.
    return await Promise.race([lines.question('').catch(cancelled), once(lines, 'close').then(cancelled)])
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}

function cancelled(): never {
  throw new Cancelled()
}

async function allOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_BYTES) throw new UsageError(`the new value is longer than ${MAX_VALUE_LENGTH} characters`)
  }
  return Buffer.concat(chunks)
}

function decoded(bytes: Buffer): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new UsageError('the new value is not UTF-8 text; convert it to UTF-8 first')
  }
  if (text.startsWith('\uFEFF'))
    throw new UsageError('the new value begins with a byte order mark (BOM); save it as UTF-8 without one')
  return text
}
