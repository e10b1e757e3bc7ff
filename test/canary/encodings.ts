/** How a secret may be written elsewhere. Every one of them is searched, and planted to prove that it is found. */
export const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  raw: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 +1': (text) => Buffer.from(`x${text}`).toString('base64'),
  'base64 +2': (text) => Buffer.from(`xy${text}`).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'base64url +1': (text) => Buffer.from(`x${text}`).toString('base64url'),
  'base64url +2': (text) => Buffer.from(`xy${text}`).toString('base64url'),
  hex: (text) => Buffer.from(text).toString('hex'),
  'hex, upper case': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'percent-encoded': (text) => encodeURIComponent(text),
  'percent-encoded, all': (text) => percentAll(text),
  'form-encoded': (text) => new URLSearchParams({ a: text }).toString(),
  reversed: (text) => reversed(text),
  'JSON-escaped': (text) => JSON.stringify(text),
  'JSON-escaped, ASCII': (text) => jsonAscii(text),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify(text)),
  'HTML-escaped': (text) => html(text),
  'HTML-escaped, decimal': (text) => htmlNumeric(text, (code) => `&#${code};`),
  'HTML-escaped, hex': (text) => htmlNumeric(text, (code) => `&#x${code.toString(16)};`),
  // What inspecting or serialising bytes prints.
  'bytes, inspected': (text) => hexWith(' ', text),
  'bytes, decimal': (text) => [...Buffer.from(text)].join(', '),
  'bytes, JSON': (text) => JSON.stringify(Buffer.from(text)),
  'bytes, with colons': (text) => hexWith(':', text),
  'bytes, escaped': (text) => `\\x${hexWith('\\x', text)}`,
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'percent-encoded twice, all': (text) => encodeURIComponent(percentAll(text)),
}

/** Makes sense in files alone. Text whose characters are bytes. */
export const utf16Bytes = (text: string): string => Buffer.from(text, 'utf16le').toString('latin1')

/** Those that the echo guard promises to find in what a tool answers. */
export const ECHOED: readonly string[] = Object.keys(ENCODINGS)

export interface SearchForms {
  readonly exact: readonly string[]
  /** Searched in the text in lower case. */
  readonly anyCase: readonly string[]
  /** Searched in the text without white space. */
  readonly unwrapped: readonly string[]
}

/** What to search for to find this text inside of anything longer, whatever stands around it. */
export function searchForms(fragment: string): SearchForms {
  const bytes = Buffer.from(fragment)
  const escaped = [JSON.stringify(fragment).slice(1, -1), jsonAscii(fragment).slice(1, -1), html(fragment)]
  const exact = [
    fragment,
    reversed(fragment),
    ...escaped,
    ...escaped.map((text) => JSON.stringify(text).slice(1, -1)),
    html(fragment).replaceAll('&quot;', '&#34;').replaceAll('&#39;', '&#x27;'),
  ].map(asLatin1)
  const base64 = [0, 1, 2].flatMap((offset) => base64Decided(bytes, offset))
  const anyCase = [
    bytes.toString('hex'),
    ...[' ', ':', '\\x', '\\\\x'].map((separator) => hexWith(separator, fragment)),
    percentAll(fragment),
    encodeURIComponent(fragment),
    encodeURIComponent(percentAll(fragment)),
    encodeURIComponent(encodeURIComponent(fragment)),
    new URLSearchParams({ a: fragment }).toString().slice(2),
    htmlNumeric(fragment, (code) => `&#${code};`),
    htmlNumeric(fragment, (code) => `&#x${code.toString(16)};`),
  ].map((text) => text.toLowerCase())
  return {
    exact: unique([...exact, ...base64, utf16Bytes(fragment)]),
    anyCase: unique(anyCase),
    unwrapped: unique([...base64, bytes.toString('hex'), [...bytes].join(',')]),
  }
}

/** Everything is searched as bytes, one character each, so that files and texts are the same. */
export function asLatin1(text: string | Uint8Array): string {
  return bytesOf(text).toString('latin1')
}

export function bytesOf(text: string | Uint8Array): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : Buffer.from(text)
}

// Of each alignment only the characters that the text alone decides.
function base64Decided(bytes: Buffer, offset: number): readonly string[] {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  const decided = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
  return [decided, decided.replaceAll('+', '-').replaceAll('/', '_')]
}

function hexWith(separator: string, text: string): string {
  return [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0')).join(separator)
}

function reversed(text: string): string {
  return [...text].reverse().join('')
}

function percentAll(text: string): string {
  return Buffer.from(text).toString('hex').replace(/../g, '%$&')
}

function jsonAscii(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function html(text: string): string {
  const named = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return named.replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}

function htmlNumeric(text: string, entity: (code: number) => string): string {
  return [...text].map((character) => entity(character.codePointAt(0) ?? 0)).join('')
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
