import { type SpawnOptionsWithoutStdio, spawn } from 'node:child_process'

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** Runs a command to its end. Its standard input is never a terminal. */
export function endedProcess(
  command: string,
  words: readonly string[],
  options: SpawnOptionsWithoutStdio,
  input: string | Uint8Array = '',
): Promise<Ended> {
  const child = spawn(command, words, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  const printed = { out: '', error: '' }
  child.stdout.on('data', (chunk) => {
    printed.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    printed.error += String(chunk)
  })
  // It may end before it has read everything.
  child.stdin.on('error', () => undefined).end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...printed }))
  })
}
