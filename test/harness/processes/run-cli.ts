import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { compiled } from './compile-module.ts'

export interface CliRun {
  readonly code: number | null
  readonly out: string
  readonly error: string
  json<T = Record<string, unknown>>(): T
}

/** Runs `mcp-credential-vault` in a process of its own, on the stores of this environment. Standard input is never a terminal. */
export function runCli(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  input: string | Uint8Array = '',
): Promise<CliRun> {
  const script = compiled(join(import.meta.dirname, '../../../src/cli/main.ts'))
  const env = { PATH: process.env['PATH'], ...environment }
  const child = spawn(process.execPath, [script, ...words], { env, stdio: ['pipe', 'pipe', 'pipe'] })
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
    child.once('close', (code) => resolve({ code, ...printed, json: () => JSON.parse(printed.out) }))
  })
}
