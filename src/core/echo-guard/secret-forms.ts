import { withoutWhitespace } from './text-decodings.ts'

/** All forms in which a secret is searched for, made once. */
export interface SecretForms {
  /** Searched in the text as it is. */
  readonly exact: readonly string[]
  /** In lower case; searched in the text in lower case. */
  readonly anyCase: readonly string[]
  /** Searched in decoded text. */
  readonly plain: readonly string[]
  /** The secret without whitespace. It is searched in text without whitespace, so that line wrapping does not hide it. */
  readonly unwrapped: readonly string[]
  readonly unwrappedAnyCase: readonly string[]
  /** Length of the longest form. */
  readonly longest: number
}

/** Shorter fragments occur in ordinary text. */
const SHORTEST_ENCODED = 4
/** Between the bytes of a hex dump: `67:68:`, `67-68-`, `67 68 `, `0x67, 0x68, `, `\x67\x68`. */
const HEX_SEPARATORS = [':', '-', ' ', ', 0x', ',0x', ' 0x', '\\x']
/** Shorter words occur by accident in text without spaces. */
const SHORTEST_UNWRAPPED = 16

export function secretForms(secret: string): SecretForms {
  const values = sameText(secret)
  const reversed = values.flatMap((value) => [[...value].reverse().join(''), value.split('').reverse().join('')])
  const escaped = values.flatMap((value) => [...jsonEscaped(value), ...htmlEscaped(value)])
  const base64 = values.flatMap((value) => [value, ...jsonEscaped(value)]).flatMap(base64Forms)
  const hex = values.map((value) => Buffer.from(value).toString('hex'))
  const separated = hex.flatMap((digits) => HEX_SEPARATORS.map((separator) => bytePairs(digits).join(separator)))
  const decimal = values.flatMap((value) => [',', ', '].map((separator) => [...Buffer.from(value)].join(separator)))
  const percent = values.flatMap(percentEncoded)
  const encoded = (forms: readonly string[]) => unique(forms).filter((form) => form.length >= SHORTEST_ENCODED)

  const plain = unique([...values, ...reversed, ...encoded([...base64, ...decimal])])
  const stripped = unique(values.map(withoutWhitespace))
  const isSpaced = stripped.some((value) => !values.includes(value))
  const unwrapped = stripped.filter((value) => value.length >= (isSpaced ? 8 : SHORTEST_UNWRAPPED))
  const exact = unique([...plain, ...encoded(escaped)])
  const anyCase = encoded([...hex, ...separated, ...percent]).map((form) => form.toLowerCase())
  return {
    exact,
    anyCase,
    plain,
    unwrapped: unique([...unwrapped, ...encoded([...base64, ...decimal])]),
    unwrappedAnyCase: encoded([...hex, ...separated]),
    longest: Math.max(...[...exact, ...anyCase].map((form) => form.length)),
  }
}

function bytePairs(hex: string): readonly string[] {
  return hex.match(/../g) ?? []
}

/** Line ends and blanks change when text is pasted, stored or shown. */
function sameText(secret: string): readonly string[] {
  const lf = secret.replace(/\r\n?/g, '\n')
  // UTF-8 bytes that were decoded as Latin-1, as in a byte string.
  const bytewise = Buffer.from(secret).toString('latin1')
  const forms = [secret, lf, lf.replaceAll('\n', '\r\n'), lf.replace(/\s+/g, ' '), bytewise]
  // Drops short remains of a value that is mostly blanks, which would match everywhere.
  return unique([secret, ...forms.flatMap((form) => [form, form.trim()]).filter((form) => form.length >= 8)])
}

function jsonEscaped(value: string): readonly string[] {
  const escaped = JSON.stringify(value).slice(1, -1)
  const ascii = escaped.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [escaped, escaped.replaceAll('/', '\\/'), ascii]
}

function htmlEscaped(value: string): readonly string[] {
  const escaped = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return [
    escaped,
    escaped.replaceAll('"', '&quot;'),
    ...['&#39;', '&#x27;', '&apos;'].map((quote) => escaped.replaceAll('"', '&quot;').replaceAll("'", quote)),
    escaped.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
  ]
}

function percentEncoded(value: string): readonly string[] {
  const all = Buffer.from(value).toString('hex').replace(/../g, '%$&')
  const component = encodeURIComponent(Buffer.from(value).toString())
  const form = new URLSearchParams({ '': value }).toString().slice(1)
  // A form without a percent sign is the value itself, which must match in its own case only.
  const once = [all, ...[component, form].filter((text) => text.includes('%') || text.includes('+'))]
  return [...once, ...once.map((text) => text.replaceAll('%', '%25'))]
}

/** Returns, for each of the three alignments, the characters that the secret alone determines. */
function base64Forms(value: string): readonly string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    const decided = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
    return [decided, decided.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
