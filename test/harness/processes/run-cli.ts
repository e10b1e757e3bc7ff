import { bundledCommand } from './compile-module.ts'
import { type Ended, endedProcess } from './ended-process.ts'

export interface CliRun extends Ended {
  json<T = Record<string, unknown>>(): T
}

/** Runs `mcp-credential-vault` in a process of its own, on the stores of this environment. Standard input is never a terminal. */
export async function runCli(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  input: string | Uint8Array = '',
): Promise<CliRun> {
  const script = bundledCommand()
  const env = { PATH: process.env['PATH'], ...environment }
  const ended = await endedProcess(process.execPath, [script, ...words], { env }, input)
  return { ...ended, json: () => JSON.parse(ended.out) }
}
