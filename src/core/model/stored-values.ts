import { REQUEST_CAUSES, type RequestCause } from './credential-state.ts'
import { CredentialVaultError, isCredentialVaultError } from './errors.ts'
import { normalisedUrl } from './url-value.ts'
import { type CredentialValues, MAX_CREDENTIAL_BYTES, type Variable } from './variables.ts'

/**
 * Name of the one field that `sealedEnvelope` stores. No variable has a hyphen in its name, so a process without the envelope recognises
 * such a value.
 */
export const SEALED_FIELD = 'mcp-sealed'

/**
 * Keeps owners from being asked again only because this process lacks its envelope.
 *
 * @throws `key_missing` (`envelope_missing`) for a value that `sealedEnvelope` sealed
 */
export function checkNotSealed(values: Readonly<Record<string, unknown>>): void {
  if (!Object.hasOwn(values, SEALED_FIELD)) return
  throw new CredentialVaultError(
    'key_missing',
    'The stored credential is sealed by sealedEnvelope, which this process does not use. Nothing was changed. ' +
      'Set MCP_SEALED_ENVELOPE_KEY_FILE for this process, or wrap its backend with sealedEnvelope.',
    { reason: 'envelope_missing' },
  )
}

/** Returns the error for a credential that cannot be released in this state. */
export function missing(status: RequestCause, provider: string): CredentialVaultError {
  return new CredentialVaultError(`credential_${status}`, MISSING[status](provider), { provider })
}

const MISSING: Readonly<Record<RequestCause, (provider: string) => string>> = {
  absent: (provider) => `No credential is stored for ${provider}.`,
  revoked: (provider) => `The credential for ${provider} was revoked and must be entered again.`,
  rejected: (provider) =>
    `${provider} rejected the stored credential. Its owner is asked for a new one at the next call.`,
  expired: (provider) =>
    `The credential for ${provider} has expired. Its owner is asked for a new one at the next call.`,
  incomplete: (provider) =>
    `The credential for ${provider} lacks a field that the provider requires. Its owner is asked for it at the next call.`,
}

/** Returns the state that an error of {@link missing} is about; undefined for every other value. */
export function unusableCause(error: unknown): RequestCause | undefined {
  return isCredentialVaultError(error)
    ? REQUEST_CAUSES.find((cause) => error.code === `credential_${cause}`)
    : undefined
}

/** Returns an error that names the fields, without values. */
function unknownField(provider: string, names: readonly string[]): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `The credential for ${provider} has the fields ${names.join(', ')}. Name the one to change: ${names.map((name) => `--field ${name}`).join(' or ')}.`,
    { reason: 'field_unknown' },
  )
}

/** @throws `configuration_invalid` for values that together exceed the form's limit, which every backend can store */
export function checkSize(provider: string, values: CredentialValues): void {
  if (Buffer.byteLength(JSON.stringify(values)) <= MAX_CREDENTIAL_BYTES) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `With this value the credential for ${provider} would be larger than ${MAX_CREDENTIAL_BYTES} bytes. Nothing was changed: use a shorter value.`,
    { reason: 'credential_too_large' },
  )
}

/** Returns an error that names the wrong fields, without values. */
export function malformed(provider: string, fields: readonly string[]): CredentialVaultError {
  return new CredentialVaultError(
    'credential_malformed',
    `The stored credential for ${provider} does not match the provider's variables (${fields.join(', ')}). Rotate it, or revoke it and enter it again.`,
    { provider },
  )
}

// Returns the same object for the same stored value and definition, so that derived data can be cached with it.
const picked = new WeakMap<object, { readonly variables: readonly Variable[]; readonly values: CredentialValues }>()

/** Returns the stored values of the provider's variables. URLs are normalised as in the form, because operators also write them by hand. */
export function pick(variables: readonly Variable[], stored: Readonly<Record<string, unknown>>): CredentialValues {
  const known = picked.get(stored)
  if (known?.variables === variables) return known.values
  const values = Object.freeze(valuesOf(variables, stored))
  picked.set(stored, { variables, values })
  return values
}

function valuesOf(variables: readonly Variable[], stored: Readonly<Record<string, unknown>>): CredentialValues {
  const values: Record<string, string> = {}
  for (const { name, type } of variables) {
    const value = Object.hasOwn(stored, name) ? stored[name] : undefined
    if (typeof value === 'string') values[name] = type === 'url' ? normalisedUrl(value) : value
  }
  return values
}

export interface FieldChange {
  readonly field?: string | undefined
  readonly value: string
}

/** Returns the stored values with one field replaced. Without `field` there must be exactly one. */
export function withField(
  provider: string,
  values: Readonly<Record<string, unknown>>,
  { field, value }: FieldChange,
): CredentialValues {
  const names = Object.keys(values)
  const kept = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  // Writing the values back would lose fields that are not text.
  if (kept.length < names.length)
    throw malformed(
      provider,
      names.filter((name) => typeof values[name] !== 'string'),
    )
  const changed = field ?? (names.length === 1 ? names[0] : undefined)
  if (changed === undefined || !names.includes(changed)) throw unknownField(provider, names)
  return { ...Object.fromEntries(kept), [changed]: value }
}
