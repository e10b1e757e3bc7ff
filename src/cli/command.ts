import { type ParseArgsConfig, parseArgs } from 'node:util'
import { isVaultError } from '../core/errors.ts'

/** 0 done · 1 failed · 2 wrong usage · 3 there is no such credential; a command may have others, which its help names. */
export type ExitCode = 0 | 1 | 2 | 3

/** Where a command reads and writes; tests bring their own. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  readonly environment: NodeJS.ProcessEnv
  /** One secret: a hidden prompt on a terminal, else the whole of standard input. */
  readonly readSecret: (prompt: string) => Promise<string>
  /** Ends a command that goes on until it is interrupted. */
  readonly ended?: AbortSignal
}

export interface Command {
  readonly name: string
  /** For the list of commands. */
  readonly summary: string
  readonly help: string
  readonly options: NonNullable<ParseArgsConfig['options']>
  /** Names of the parameters before the options, for the usage error. */
  readonly parameters: readonly string[]
  /** Where 2 means something else. */
  readonly usageExitCode?: ExitCode
  run(input: CommandInput, terminal: Terminal): Promise<ExitCode>
}

export interface CommandInput {
  readonly parameters: readonly string[]
  text(option: string): string | undefined
  /** Every value of an option that may be given more than once. */
  texts(option: string): readonly string[]
  flag(option: string): boolean
}

export class UsageError extends Error {}

export async function runCommand(command: Command, words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    const input = parse(command, words)
    if (input.flag('help')) {
      terminal.out(`${command.help.trim()}\n`)
      return 0
    }
    if (input.parameters.length !== command.parameters.length) {
      throw new UsageError(`${command.name} takes ${command.parameters.join(' ') || 'no parameters'}`)
    }
    return await command.run(input, terminal)
  } catch (error) {
    return report(error, command, words.includes('--json'), terminal)
  }
}

function parse(command: Command, words: readonly string[]): CommandInput {
  const options = { ...command.options, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
  const { values, positionals } = parsed(words, options)
  return {
    parameters: positionals,
    text: (option) => (typeof values[option] === 'string' ? values[option] : undefined),
    texts: (option) => [values[option]].flat().filter((value) => typeof value === 'string'),
    flag: (option) => values[option] === true,
  }
}

function parsed(words: readonly string[], options: NonNullable<ParseArgsConfig['options']>) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true })
  } catch {
    // The parser's own message repeats what was typed, which may be a secret in the wrong place.
    throw new UsageError('there is an option that this command does not have, or one without its value')
  }
}

function report(error: unknown, command: Command, json: boolean, terminal: Terminal): ExitCode {
  if (error instanceof UsageError) {
    terminal.error(
      `mcp-credential-vault ${command.name}: ${error.message}. See: mcp-credential-vault ${command.name} --help\n`,
    )
    return command.usageExitCode ?? 2
  }
  const { code, message } = isVaultError(error)
    ? error
    : {
        code: 'unexpected',
        message: `It failed in an unexpected way (${error instanceof Error ? error.name : typeof error}).`,
      }
  if (json) terminal.out(`${JSON.stringify({ error: { code, message } })}\n`)
  else terminal.error(`mcp-credential-vault ${command.name}: ${message} [${code}]\n`)
  return isVaultError(error, 'credential_absent', 'credential_revoked') ? 3 : 1
}
