import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Runs `mcp-credential-vault` as an operator does, in a process of its own. Resolves to what it printed. */
export function operatorCommand(parameters: readonly string[], options: CommandOptions = {}): Promise<string> {
  return runCommand(process.execPath, [MAIN, ...parameters], options)
}

export interface CommandOptions {
  /** What is typed into it. */
  readonly input?: string
  /** Default: this process's own. */
  readonly environment?: NodeJS.ProcessEnv
  /** Exit codes that are no failure. Default: 0. */
  readonly accepted?: readonly number[]
}

export function runCommand(
  command: string,
  parameters: readonly string[],
  { input = '', environment = process.env, accepted = [0] }: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { env: environment, stdio: ['pipe', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.once('error', reject)
    child.once('close', (code) => {
      if (accepted.includes(code ?? -1)) resolve(output)
      else reject(new Error(`${parameters.slice(0, 3).join(' ')} ended with ${code}.`))
    })
    child.stdin.end(input)
  })
}
