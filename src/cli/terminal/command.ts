import { isCredentialVaultError } from '../../core/model/errors.ts'
import {
  asksForHelp,
  Cancelled,
  type CommandInput,
  type CommandOptions,
  parseCommandLine,
  UsageError,
  usageText,
} from './command-line.ts'
import { OutputEnded } from './output.ts'

/**
 * 0 done · 1 failed · 2 wrong usage · 3 there is no such credential · 130 cancelled at a prompt; a command may have others, which its
 * help names.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 130

/** Where a command reads and writes; tests bring their own. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  readonly environment: NodeJS.ProcessEnv
  /** One secret: a hidden prompt on a terminal, which takes one line, else the whole of standard input as it is. */
  readonly readSecret: (prompt: string, options?: ReadSecretOptions) => Promise<string>
  /** Ends a command that goes on until it is interrupted. */
  readonly ended?: AbortSignal
}

export interface ReadSecretOptions {
  /** Refuses a terminal, whose hidden prompt ends at the first line. Default false. */
  readonly severalLines?: boolean
}

export interface Command {
  readonly name: string
  /** For the list of commands. */
  readonly summary: string
  readonly help: string
  readonly options: CommandOptions
  /** Names of the parameters before the options, for the usage error. */
  readonly parameters: readonly string[]
  /** Where 2 means something else. */
  readonly usageExitCode?: ExitCode
  /** Where 1 is a result of the command, so that a failure needs another code. */
  readonly failureExitCode?: ExitCode
  run(input: CommandInput, terminal: Terminal): Promise<ExitCode>
}

const SHARED = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** @throws OutputEnded as soon as nothing can be printed any more; what the command had open is closed then */
export async function runCommand(command: Command, words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (asksForHelp(words)) {
    terminal.out(`${command.help.trim()}\n`)
    return 0
  }
  try {
    const input = parseCommandLine(words, { ...command.options, ...SHARED })
    if (input.parameters.length !== command.parameters.length) {
      throw new UsageError(parameterProblem(command.parameters, input.parameters.length))
    }
    return await command.run(input, terminal)
  } catch (error) {
    if (error instanceof OutputEnded) throw error
    return report(error, command, words.includes('--json'), terminal)
  }
}

function parameterProblem(wanted: readonly string[], given: number): string {
  if (given > wanted.length) return `it takes ${wanted.length === 0 ? 'no parameters' : `${wanted.join(' ')} alone`}`
  const missing = wanted.slice(given)
  return `${missing.join(' ')} ${missing.length === 1 ? 'is' : 'are'} missing`
}

function report(error: unknown, command: Command, json: boolean, terminal: Terminal): ExitCode {
  if (error instanceof UsageError) {
    terminal.error(usageText(`mcp-credential-vault ${command.name}`, error.message))
    return command.usageExitCode ?? 2
  }
  if (error instanceof Cancelled) {
    terminal.error(`mcp-credential-vault ${command.name}: cancelled. Nothing was changed.\n`)
    return 130
  }
  const { code, message } = isCredentialVaultError(error) ? error : { code: 'unexpected', message: unexpected(error) }
  if (json) terminal.out(`${JSON.stringify({ error: { code, message } })}\n`)
  else terminal.error(errorText(`mcp-credential-vault ${command.name}`, message, code))
  if (command.failureExitCode !== undefined) return command.failureExitCode
  return isCredentialVaultError(error, 'credential_absent', 'credential_revoked') ? 3 : 1
}

/** A foreign error's message may hold anything; its name and the system's code do not. */
function unexpected(error: unknown): string {
  if (!(error instanceof Error)) return `It failed in an unexpected way (${typeof error}).`
  const code = 'code' in error && typeof error.code === 'string' && /^[A-Z_0-9]+$/.test(error.code) ? error.code : ''
  return `It failed in an unexpected way (${[error.name, code].filter((word) => word !== '').join(', ')}).`
}

/** The code ends the first line; a stack may follow. */
function errorText(command: string, message: string, code: string): string {
  const [first = '', ...rest] = message.split('\n')
  return `${[`${command}: ${first} [${code}]`, ...rest].join('\n')}\n`
}
