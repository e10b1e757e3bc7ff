import { z } from 'zod'
import { CredentialVaultError } from './errors.ts'

/**
 * One schema for each option of an interface, accepting nothing that the interface does not. An option that only one of the two declares
 * does not compile.
 */
export type OptionSchemas<O> = { readonly [K in keyof O]-?: z.ZodType<unknown, O[K]> }

/** A schema for an option that is a function. Its parameters and result are left to the compiler. */
export const functionOption = <T extends (...parameters: never[]) => unknown>() =>
  z.custom<T>((value) => typeof value === 'function', 'must be a function').optional()

/**
 * Checks options when they enter. An unknown option is an error. The message names each wrong option by its path below `subject` and
 * contains no value, because an option may be a key.
 */
export function parseOptions<T extends z.ZodType>(schema: T, value: unknown, subject: string): z.output<T> {
  const result = schema.safeParse(value, { error: inPlainWords })
  if (result.success) return result.data
  const problems = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${optionPath(subject, [...issue.path, key])}: ${NO_SUCH_OPTION}`)
      : [`${optionPath(subject, issue.path)}: ${issue.message}. ${adviceFor(issue)}`],
  )
  throw new CredentialVaultError('configuration_invalid', problems.join(' '), { reason: 'option' })
}

const NO_SUCH_OPTION = 'there is no such option. Correct its name, or remove it.'
const REQUIRED = 'is required'

/** Returns what to do. Only an issue of our own knows better than its kind: `params: { advice: 'Give it to openVault instead.' }`. */
function adviceFor(issue: z.core.$ZodIssue): string {
  if (issue.message === REQUIRED) return 'Set it.'
  const advice: unknown = issue.code === 'custom' ? issue.params?.['advice'] : undefined
  return typeof advice === 'string' ? advice : 'Correct it.'
}

function optionPath(subject: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    subject,
  )
}

/** Returns the values of an option that lists several in one text, separated by blanks, line ends or commas. */
export function wordsIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
}

type Issue = Parameters<z.core.$ZodErrorMap>[0]

/** Words an issue for which the schema has no text of its own. Undefined keeps the validator's text. */
export function inPlainWords(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'too_big':
      return `must be at most ${amount(issue.maximum, issue.origin)}`
    case 'too_small':
      return issue.origin === 'string' && Number(issue.minimum) === 1
        ? 'must not be empty'
        : `must be at least ${amount(issue.minimum, issue.origin)}`
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`
    case 'invalid_type':
      if (issue.input === undefined) return REQUIRED
      return `must be ${KINDS[issue.expected] ?? `of type ${issue.expected}`}`
    case 'invalid_format':
      return issue.format === 'url' ? 'must be an absolute URL, such as https://example.com' : undefined
    default:
      return undefined
  }
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

const UNITS: Readonly<Record<string, string>> = { string: ' characters long', array: ' entries long' }

function amount(limit: number | bigint, origin: string): string {
  return `${limit}${UNITS[origin] ?? ''}`
}
