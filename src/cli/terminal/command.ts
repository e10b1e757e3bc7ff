import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { fileLabel } from '../../core/host/shown-path.ts'
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
 * 0 done · 1 failed · 2 wrong usage · 3 there is no such credential · 130 cancelled at a prompt. A command's help lists further codes, if
 * any.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 130

/** Input and output of a command. Tests pass their own. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  readonly environment: NodeJS.ProcessEnv
  /** Reads one secret: a hidden prompt for one line on a terminal, else all of standard input unchanged. */
  readonly readSecret: (prompt: string, options?: ReadSecretOptions) => Promise<string>
  /** Reads all of standard input. Absent on a terminal, where nothing is piped in. */
  readonly readInput?: (() => Promise<Uint8Array>) | undefined
  /** Asks on the terminal and returns the line that was typed. Absent where there is nobody to ask. */
  readonly ask?: ((question: string) => Promise<string>) | undefined
  /** Shows one line of progress in place of the last one. Absent unless standard error is a terminal. */
  readonly progress?: ((line: string) => void) | undefined
  /** Stops a command that runs until it is interrupted. */
  readonly ended?: AbortSignal
}

export interface ReadSecretOptions {
  /** Refuses a terminal, because its hidden prompt reads one line only. Default false. */
  readonly severalLines?: boolean
}

export interface Command {
  readonly name: string
  /** Line in the list of commands. */
  readonly summary: string
  readonly help: string
  readonly options: CommandOptions
  /** Names of the parameters before the options, for the usage error. */
  readonly parameters: readonly string[]
  /** Returns the parameters that these options ask for, where they differ from `parameters`. */
  parametersFor?(input: CommandInput): readonly string[]
  /** Exit code of wrong usage, when 2 means something else. */
  readonly usageExitCode?: ExitCode
  /** Exit code of a failure, when 1 is a result of the command. */
  readonly failureExitCode?: ExitCode
  run(input: CommandInput, terminal: Terminal): Promise<ExitCode>
}

const SHARED = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  environment: { type: 'string' },
} as const

const ENVIRONMENT_HELP =
  '--environment FILE   adds the variables of a file to the environment; those that are set already stay'

/** @throws OutputEnded once nothing can be printed any more, so that the command closes what it opened */
export async function runCommand(command: Command, words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (asksForHelp(words)) {
    terminal.out(`${command.help.trim()}\n\n${ENVIRONMENT_HELP}\n`)
    return 0
  }
  try {
    const input = parseCommandLine(words, { ...command.options, ...SHARED })
    const wanted = command.parametersFor?.(input) ?? command.parameters
    if (input.parameters.length !== wanted.length) {
      throw new UsageError(parameterProblem(wanted, input.parameters.length))
    }
    const environmentFile = input.text('environment') ?? input.text('env-file')
    if (environmentFile !== undefined) readEnvironment(environmentFile, terminal)
    return await command.run(input, terminal)
  } catch (error) {
    if (error instanceof OutputEnded) throw error
    return report(error, command, words.includes('--json'), terminal)
  }
}

/** Adds the variables of a file to the process's own, which keep their values. Modules that a command loads see them too. */
function readEnvironment(path: string, { environment }: Terminal): void {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw new UsageError(`${fileLabel('--environment', path)} names a file that cannot be read`)
  }
  for (const [name, value] of Object.entries(parseEnv(text))) environment[name] ??= value
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

/** Shows name and system code of an unknown error. Its message may hold secrets. */
function unexpected(error: unknown): string {
  if (!(error instanceof Error)) return `It failed in an unexpected way (${typeof error}).`
  const code = 'code' in error && typeof error.code === 'string' && /^[A-Z_0-9]+$/.test(error.code) ? error.code : ''
  return `It failed in an unexpected way (${[error.name, code].filter((word) => word !== '').join(', ')}).`
}

/** Puts the code at the end of the first line, since a stack may follow. */
function errorText(command: string, message: string, code: string): string {
  const [first = '', ...rest] = message.split('\n')
  return `${[`${command}: ${first} [${code}]`, ...rest].join('\n')}\n`
}
