import { z } from 'zod'
import { CredentialVaultError } from '../core/errors.ts'
import { hasControlCharacter } from '../core/owner.ts'
import type { CredentialValues } from '../core/variables.ts'

/**
 * How the credential travels: `Authorization: Bearer …`, `Authorization: Basic …` (RFC 7617), or a header of the service's own. `Field`:
 * names of the provider's variables.
 */
export type HeaderOptions<Field extends string = string> =
  | { readonly scheme: 'Bearer'; readonly field: Field }
  | {
      readonly scheme: 'Basic'
      /** A field of the credential, or a fixed name such as `x-token-auth`. */
      readonly user: { readonly field: Field } | { readonly value: string }
      readonly password: { readonly field: Field }
    }
  /** `prefix` goes before the value as it is, e.g. `Token ` with its blank. Default none. */
  | { readonly name: string; readonly field: Field; readonly prefix?: string }

/** A header that is made of a credential's values. */
export interface CredentialHeader {
  /** Lower case. */
  readonly name: string
  /** Names of the fields that it needs. */
  readonly fields: readonly string[]
  /** @throws `credential_malformed` when a field is empty or no header can carry it */
  value(values: CredentialValues): string
}

/** HTTP and fetch use these themselves. */
const RESERVED = /^(?:host|connection|content-length|expect|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i
// RFC 9110 §5.5, as far as fetch sends it: everything else could end the header or is not one byte.
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

const field = z.string().min(1)
const plainText = z.string().max(200).regex(FIELD_VALUE, 'has characters that no header can carry')

export const headerSchema = z.union(
  [
    z.strictObject({ scheme: z.literal('Bearer'), field }),
    z.strictObject({
      scheme: z.literal('Basic'),
      user: z.union([z.strictObject({ field }), z.strictObject({ value: plainText.regex(/^[^:]*$/) })]),
      password: z.strictObject({ field }),
    }),
    z.strictObject({
      name: z
        .string()
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/)
        .refine((name) => !RESERVED.test(name)),
      field,
      prefix: plainText.default(''),
    }),
  ],
  {
    error:
      "must be { scheme: 'Bearer', field }, { scheme: 'Basic', user: { field } or { value }, password: { field } } or { name, field, prefix? }, with a header name that HTTP does not reserve",
  },
)

export function credentialHeader(options: z.output<typeof headerSchema>): CredentialHeader {
  if (!('scheme' in options)) {
    const { name, field, prefix } = options
    return { name: name.toLowerCase(), fields: [field], value: (values) => prefix + sendable(values, field) }
  }
  if (options.scheme === 'Bearer') {
    const { field } = options
    return { name: 'authorization', fields: [field], value: (values) => `Bearer ${sendable(values, field)}` }
  }
  const { user, password } = options
  return {
    name: 'authorization',
    fields: 'field' in user ? [user.field, password.field] : [password.field],
    value(values) {
      const name = 'field' in user ? present(values, user.field) : user.value
      // A colon would move the rest of the name into the password.
      if ('field' in user && name.includes(':')) throw malformed(user.field, 'colon')
      const pair = Buffer.from(`${name}:${present(values, password.field)}`)
      return `Basic ${pair.toString('base64')}`
    },
  }
}

function sendable(values: CredentialValues, field: string): string {
  const value = present(values, field)
  if (!FIELD_VALUE.test(value)) throw malformed(field, 'header_value')
  return value
}

function present(values: CredentialValues, field: string): string {
  const value = Object.hasOwn(values, field) ? values[field] : undefined
  if (value === undefined || value === '') throw malformed(field, 'field_missing')
  if (hasControlCharacter(value)) throw malformed(field, 'header_value')
  return value
}

function malformed(field: string, reason: 'field_missing' | 'header_value' | 'colon'): CredentialVaultError {
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
