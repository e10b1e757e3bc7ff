import { inspect } from 'node:util'
import { echoText } from './echo-text.ts'
import { decodings, type SecretForms, secretForms, withoutWhitespace } from './secret-forms.ts'
import type { CredentialValues, Variable } from './variables.ts'

export interface EchoGuardOptions {
  /** Also look for secrets of fewer than 8 bytes, which ordinary text may contain by chance. Default false. */
  readonly includeShort?: boolean
}

/** Remembers the secrets that one call was given, and looks for them in what leaves it. */
export interface EchoGuard {
  /** Remembers the values of the variables that are `secret`. */
  add(variables: readonly Variable[], values: CredentialValues): void
  /**
   * Whether a secret occurs anywhere in `value`: strings, keys, nested values, errors. Also when it is JSON- or HTML-escaped,
   * percent-encoded, in base64, base64url or hex, reversed, wrapped over lines, or split over consecutive strings.
   */
  finds(value: unknown): boolean
}

/** A shorter one is found by chance in ordinary text. */
const MIN_BYTES = 8

export function createEchoGuard({ includeShort = false }: EchoGuardOptions = {}): EchoGuard {
  // In the closure, so that printing the guard shows none of it.
  const remembered = new Map<string, SecretForms>()

  return Object.freeze({
    add(variables: readonly Variable[], values: CredentialValues): void {
      for (const { name, secret } of variables) {
        const value = secret && Object.hasOwn(values, name) ? values[name] : undefined
        if (value === undefined || value === '' || remembered.has(value)) continue
        if (includeShort || Buffer.byteLength(value) >= MIN_BYTES) remembered.set(value, secretForms(value))
      }
    },

    finds(value: unknown): boolean {
      if (remembered.size === 0) return false
      const forms = [...remembered.values()]
      const text = echoText(value, Math.max(...forms.map(({ longest }) => longest)))
      return forms.some(({ exact }) => contains(text, exact)) || findsEncoded(text, forms)
    },

    toJSON: () => ({}),
    [inspect.custom]: () => 'EchoGuard {}',
  })
}

function findsEncoded(text: string, forms: readonly SecretForms[]): boolean {
  const lowerCase = text.toLowerCase()
  if (forms.some(({ anyCase }) => contains(lowerCase, anyCase))) return true
  for (const decoded of decodings(text)) {
    if (decoded !== text && forms.some(({ plain }) => contains(decoded, plain))) return true
    const unwrapped = withoutWhitespace(decoded)
    if (unwrapped === decoded) continue
    if (forms.some((form) => contains(unwrapped, form.unwrapped))) return true
    const unwrappedLowerCase = unwrapped.toLowerCase()
    if (forms.some((form) => contains(unwrappedLowerCase, form.unwrappedAnyCase))) return true
  }
  return false
}

function contains(text: string, needles: readonly string[]): boolean {
  return needles.some((needle) => text.includes(needle))
}
