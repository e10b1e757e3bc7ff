import { isVaultError } from '../../core/model/errors.ts'
import {
  asksForHelp,
  type CommandInput,
  type CommandOptions,
  parseCommandLine,
  UsageError,
  usageText,
} from './command-line.ts'
import { OutputEnded } from './output.ts'

/** 0 done · 1 failed · 2 wrong usage · 3 there is no such credential; a command may have others, which its help names. */
export type ExitCode = 0 | 1 | 2 | 3

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
      throw new UsageError(`${command.name} takes ${command.parameters.join(' ') || 'no parameters'}`)
    }
    return await command.run(input, terminal)
  } catch (error) {
    if (error instanceof OutputEnded) throw error
    return report(error, command, words.includes('--json'), terminal)
  }
}

function report(error: unknown, command: Command, json: boolean, terminal: Terminal): ExitCode {
  if (error instanceof UsageError) {
    terminal.error(usageText(`mcp-credential-vault ${command.name}`, error.message))
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
