import { type ParseArgsConfig, parseArgs } from 'node:util'
import { nearest } from '../../core/host/nearest.ts'

/** Wrong usage. The message says what is wrong and what to type instead. It quotes no value, which may be a misplaced secret. */
export class UsageError extends Error {}

/** The user pressed Ctrl+C or Ctrl+D at a prompt. */
export class Cancelled extends Error {}

/** `dashed`: the form of values that may begin with `-`. Other options take such a value only as `--option=…`. */
export type CommandOptions = Readonly<
  Record<string, NonNullable<ParseArgsConfig['options']>[string] & { readonly dashed?: RegExp }>
>

export interface CommandInput {
  readonly parameters: readonly string[]
  text(option: string): string | undefined
  /** Returns every value of an option that may be repeated. */
  texts(option: string): readonly string[]
  flag(option: string): boolean
}

/** Whether the words ask for help, whatever else they hold. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return words.slice(0, end < 0 ? undefined : end).some((word) => word === '--help' || word === '-h')
}

/** @throws UsageError */
export function parseCommandLine(words: readonly string[], options: CommandOptions): CommandInput {
  const { values, positionals, tokens } = parseArgs({
    args: [...words],
    options,
    allowPositionals: true,
    // In strict mode the parser's message quotes what was typed, so it is dropped.
    strict: false,
    tokens: true,
  })
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const option = Object.hasOwn(options, name) ? options[name] : undefined
    if (!option) throw new UsageError(unknownOption(rawName, options))
    if (option.type === 'boolean') {
      if (value !== undefined) throw new UsageError(`${rawName} takes no value`)
    } else if (value === undefined || (!inlineValue && /^-./.test(value) && !option.dashed?.test(value))) {
      throw new UsageError(`${rawName} needs a value; write ${rawName}=… for one that begins with -`)
    }
    if (seen.has(name) && option.type === 'string' && !option.multiple)
      throw new UsageError(`${rawName} is given twice; it takes one value`)
    seen.add(name)
  }
  return {
    parameters: positionals,
    text: (option) => (typeof values[option] === 'string' ? values[option] : undefined),
    texts: (option) => [values[option]].flat().filter((value) => typeof value === 'string'),
    flag: (option) => values[option] === true,
  }
}

function unknownOption(typed: string, options: CommandOptions): string {
  const known = Object.keys(options).map((name) => `--${name}`)
  return `${isName(typed) ? `there is no option ${typed}` : 'a word that begins with - is not an option of this command'}${suggestion(typed, known)}`
}

/** Returns ", did you mean …?" if a known name is similar, else an empty text. */
export function suggestion(typed: string, known: readonly string[]): string {
  const near = isName(typed) ? nearest(typed, known) : undefined
  return near === undefined ? '' : `, did you mean ${near}?`
}

/** Whether a word may be printed: it looks like a name, and no token has lower-case letters only. */
export function isName(typed: string): boolean {
  return /^-{0,2}[a-z][a-z-]{0,23}(?: [a-z][a-z-]{0,23})?$/.test(typed)
}

/** Makes the message a sentence and names the help to read. */
export function usageText(command: string, problem: string): string {
  return `${command}: ${/[?.]$/.test(problem) ? problem : `${problem}.`} See: ${command.trim()} --help\n`
}
