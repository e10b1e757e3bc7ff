import { z } from 'zod'
import { type AllowedHost, allowedHostSchema } from './allowed-hosts.ts'
import { type OptionSchemas, parseOptions } from './options.ts'

export type VariableType = 'string' | 'password' | 'url' | 'textarea'

/** One field of a provider's form, and of its credential. */
export interface VariableOptions {
  /** The field's label on the form, 1 to 100 characters. */
  readonly label: string
  /** `string`, `password` (masked), `url` (https, see `allowedHosts`) or `textarea` (several lines). Default `string`. */
  readonly type?: VariableType
  /** One or two sentences under the label. At most 500 characters. */
  readonly hint?: string
  /** Default true. An optional field left empty is absent from the credential, never stored as `""`. */
  readonly required?: boolean
  /** The whole value must match. It runs on values of at most `maxLength` characters. */
  readonly pattern?: RegExp
  /** Longest value in UTF-16 units, 1 to 16384; longer ones are refused, never cut. Default 4096, textarea 16384. */
  readonly maxLength?: number
  /**
   * Hosts that a `url` variable accepts, as `jira.example.com`, `*.example.com`, `jira.example.com:8443`, or `http://jira.internal:8080` to
   * accept plain http there. Default: any https host.
   */
  readonly allowedHosts?: readonly string[]
  /** Whether the value is kept out of pages and tool results. Default true for password and textarea, else false. */
  readonly secret?: boolean
}

export type VariablesOptions = Readonly<Record<string, VariableOptions>>

/** A variable with every default filled in. */
export interface Variable {
  readonly name: string
  readonly label: string
  readonly type: VariableType
  readonly hint: string | undefined
  readonly required: boolean
  readonly pattern: RegExp | undefined
  readonly maxLength: number
  readonly allowedHosts: readonly AllowedHost[] | undefined
  readonly secret: boolean
}

/** The values of a provider's variables for one owner: names to non-empty strings, exactly the fields that were filled in. */
export type CredentialValues = Readonly<Record<string, string>>

/** The values as a tool sees them: required variables are strings, optional ones may be undefined. */
export type ValuesOf<V extends VariablesOptions> = {
  readonly [K in keyof V]: V[K] extends { readonly required: false } ? string | undefined : string
}

/** Names of the variables, as a destination's header names them. */
export type FieldOf<V extends VariablesOptions> = keyof V & string

/** Names of the variables that are of type `url`, as far as their types tell. */
export type UrlFieldOf<V extends VariablesOptions> = string extends keyof V
  ? string
  : { [K in FieldOf<V>]: 'type' extends keyof V[K] ? ('url' extends V[K]['type'] ? K : never) : never }[FieldOf<V>]

const MAX_VARIABLES = 32
export const MAX_VALUE_LENGTH = 16_384
/** Largest credential in bytes of UTF-8 JSON, so that every backend can hold what the form accepts. */
export const MAX_CREDENTIAL_BYTES = 16_384

const variableSchema = z
  .strictObject({
    label: z.string().min(1).max(100),
    type: z.enum(['string', 'password', 'url', 'textarea']).default('string'),
    hint: z.string().max(500).optional(),
    required: z.boolean().default(true),
    pattern: z.instanceof(RegExp, { message: 'must be a RegExp' }).optional(),
    maxLength: z.int().min(1).max(MAX_VALUE_LENGTH).optional(),
    allowedHosts: z.array(allowedHostSchema).min(1).optional(),
    secret: z.boolean().optional(),
  } satisfies OptionSchemas<VariableOptions>)
  .refine((variable) => variable.allowedHosts === undefined || variable.type === 'url', {
    path: ['allowedHosts'],
    message: 'belongs to a variable of type url',
  })

export const VARIABLE_NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,62}$/

const variablesSchema = z
  .record(
    z.string().regex(VARIABLE_NAME, 'names have 1 to 63 letters, digits and underscores and start with a letter'),
    variableSchema,
  )
  .refine((variables) => Object.keys(variables).length > 0, { message: 'needs at least one variable' })
  .refine((variables) => Object.keys(variables).length <= MAX_VARIABLES, {
    message: `has more than ${MAX_VARIABLES} variables`,
  })
  .refine((variables) => !Object.hasOwn(variables, 'constructor'), {
    message: 'constructor is not a name for a variable',
  })

/** Checks definitions and fills in the defaults. Throws `configuration_invalid`, naming the option's path. */
export function defineVariables(options: VariablesOptions, subject = 'variables'): readonly Variable[] {
  const checked = parseOptions(variablesSchema, options, subject)
  return Object.entries(checked).map(([name, variable]) => ({
    name,
    label: variable.label,
    type: variable.type,
    hint: variable.hint,
    required: variable.required,
    pattern: variable.pattern && wholeMatch(variable.pattern),
    maxLength: variable.maxLength ?? (variable.type === 'textarea' ? MAX_VALUE_LENGTH : 4096),
    allowedHosts: variable.allowedHosts,
    secret: variable.secret ?? (variable.type === 'password' || variable.type === 'textarea'),
  }))
}

// Drops the flags g and y, because they make test() remember where the last call ended, and m, with which ^ and $ match at line ends.
function wholeMatch(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gmy]/g, ''))
}
