import { z } from 'zod'
import { CredentialVaultError } from '../core/model/errors.ts'
import type { FieldProblem } from '../core/model/form-values.ts'
import { hasControlCharacter } from '../core/model/owner.ts'
import type { CredentialValues } from '../core/model/variables.ts'

/**
 * The header that carries the credential: `Authorization: Bearer …`, `Authorization: Basic …` (RFC 7617), or the service's own header.
 * `Field` is the union of the provider's variable names.
 */
export type HeaderOptions<Field extends string = string> =
  | { readonly scheme: 'Bearer'; readonly field: Field }
  | {
      readonly scheme: 'Basic'
      /** A field of the credential, or a fixed name such as `x-token-auth`. */
      readonly user: { readonly field: Field } | { readonly value: string }
      readonly password: { readonly field: Field }
    }
  /** `prefix` precedes the value unchanged, e.g. `Token ` with its blank. Default none. */
  | { readonly name: string; readonly field: Field; readonly prefix?: string | undefined }
  /** A value composed of text and fields, such as `Token {user}:{pat}`. `{{` and `}}` stand for the braces themselves. */
  | { readonly name: string; readonly template: string }

/** A header made from a credential's values. */
export interface CredentialHeader {
  /** Lower case. */
  readonly name: string
  /** Names of the fields that it needs. */
  readonly fields: readonly string[]
  /** Problems by field name, for filled fields that the header cannot carry. */
  problems(values: CredentialValues): ReadonlyMap<string, HeaderProblem>
  /** @throws `credential_malformed` when a field is empty or no header can carry it */
  value(values: CredentialValues): string
}

export type HeaderProblem = Extract<FieldProblem, 'header_value' | 'colon'>

/** Headers that HTTP and fetch set themselves. */
const RESERVED = /^(?:host|connection|content-length|expect|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i
// RFC 9110 §5.5, limited to what fetch sends. Other characters could end the header or are not one byte.
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

const field = z.string().min(1)
const plainText = z.string().max(200).regex(FIELD_VALUE, 'has characters that no header can carry')

const HEADER_FORM =
  "must be { scheme: 'Bearer', field }, { scheme: 'Basic', user: { field } or { value }, password: { field } }, { name, field, prefix? } or { name, template }, with a header name that HTTP does not reserve"
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/)
  .refine((name) => !RESERVED.test(name))

export const headerSchema = z.union(
  [
    z.strictObject({ scheme: z.literal('Bearer'), field }),
    z.strictObject({
      scheme: z.literal('Basic'),
      user: z.union([z.strictObject({ field }), z.strictObject({ value: plainText.regex(/^[^:]*$/) })]),
      password: z.strictObject({ field }),
    }),
    z.strictObject({
      name: headerName,
      field,
      prefix: plainText.default(''),
    }),
    z.strictObject({
      name: headerName,
      template: plainText.refine((text) => (templateParts(text) ?? []).some(({ field }) => field !== undefined)),
    }),
  ],
  { error: HEADER_FORM },
)

/** One header or several. */
export const headersSchema = z.union([headerSchema, z.array(headerSchema).min(1).max(4)], {
  error: `${HEADER_FORM}, or a list of 1 to 4 of them`,
})

export function credentialHeader(options: z.output<typeof headerSchema>): CredentialHeader {
  if ('template' in options) {
    const parts = templateParts(options.template) ?? []
    const fields = [...new Set(parts.flatMap((part) => part.field ?? []))]
    return headerOf(
      options.name.toLowerCase(),
      fields.map((field) => [field, unsendable]),
      (present) => parts.map((part) => part.text ?? present(part.field)).join(''),
    )
  }
  if (!('scheme' in options)) {
    const { name, field, prefix } = options
    return headerOf(name.toLowerCase(), [[field, unsendable]], (present) => prefix + present(field))
  }
  if (options.scheme === 'Bearer') {
    const { field } = options
    return headerOf('authorization', [[field, unsendable]], (present) => `Bearer ${present(field)}`)
  }
  const { user, password } = options
  const fields: Checks = [[password.field, withControlCharacter]]
  return headerOf(
    'authorization',
    'field' in user ? [[user.field, (value) => withControlCharacter(value) ?? withColon(value)], ...fields] : fields,
    (present) => {
      const name = 'field' in user ? present(user.field) : user.value
      return `Basic ${Buffer.from(`${name}:${present(password.field)}`).toString('base64')}`
    },
  )
}

/** Returns the parts of a template, or undefined if a brace in it stands for nothing. */
export function templateParts(template: string): readonly TemplatePart[] | undefined {
  const parts: TemplatePart[] = []
  for (const [found, field] of template.matchAll(/\{\{|\}\}|\{([a-zA-Z][a-zA-Z0-9_]*)\}|[^{}]+|[{}]/g)) {
    if (found === '{' || found === '}') return undefined
    if (field !== undefined) parts.push({ field })
    else parts.push({ text: found === '{{' || found === '}}' ? found.slice(1) : found })
  }
  return parts
}

export type TemplatePart =
  | { readonly field: string; readonly text?: never }
  | { readonly text: string; readonly field?: never }

/** Whether a header can carry the value unchanged. */
export function isSendable(value: string): boolean {
  return FIELD_VALUE.test(value)
}

type Checks = readonly (readonly [field: string, check: (value: string) => HeaderProblem | undefined])[]

function headerOf(
  name: string,
  checks: Checks,
  build: (present: (field: string) => string) => string,
): CredentialHeader {
  const problems = (values: CredentialValues) =>
    new Map(
      checks.flatMap(([field, check]): [string, HeaderProblem][] => {
        const value = ownValue(values, field)
        const problem = value === undefined ? undefined : check(value)
        return problem ? [[field, problem]] : []
      }),
    )
  return {
    name,
    fields: checks.map(([field]) => field),
    problems,
    value(values) {
      for (const [field] of checks) if (ownValue(values, field) === undefined) throw malformed(field, 'field_missing')
      for (const [field, problem] of problems(values)) throw malformed(field, problem)
      return build((field) => ownValue(values, field) ?? '')
    },
  }
}

function ownValue(values: CredentialValues, field: string): string | undefined {
  const value = Object.hasOwn(values, field) ? values[field] : undefined
  return value === '' ? undefined : value
}

function unsendable(value: string): HeaderProblem | undefined {
  return isSendable(value) ? withControlCharacter(value) : 'header_value'
}

function withControlCharacter(value: string): HeaderProblem | undefined {
  return hasControlCharacter(value) ? 'header_value' : undefined
}

// A colon would move the rest of the name into the password.
function withColon(value: string): HeaderProblem | undefined {
  return value.includes(':') ? 'colon' : undefined
}

function malformed(field: string, reason: 'field_missing' | HeaderProblem): CredentialVaultError {
  const problem = {
    field_missing: 'is empty',
    header_value: 'has characters that no HTTP header can carry',
    colon: 'has a colon, which no name in HTTP Basic authentication may have',
  }[reason]
  return new CredentialVaultError(
    'credential_malformed',
    `The credential's field ${field} ${problem}, so nothing was sent. Enter the credential again.`,
    { reason },
  )
}
