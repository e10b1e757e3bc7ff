import { type SpawnOptionsWithoutStdio, spawn } from 'node:child_process'

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** What a process with an environment of its own gets besides: where Node 22 and later keep compiled code, if this process has that. */
export const compileCache = (): NodeJS.ProcessEnv => ({ NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] })

/** Runs a command to its end. Its standard input is never a terminal. */
export function endedProcess(
  command: string,
  words: readonly string[],
  options: SpawnOptionsWithoutStdio,
  input: string | Uint8Array = '',
): Promise<Ended> {
  const env = options.env && { ...compileCache(), ...options.env }
  const child = spawn(command, words, { ...options, env, stdio: ['pipe', 'pipe', 'pipe'] })
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
