/** Limits for nested encodings: their depth, and the number of texts decoded from one. */
const MAX_DEPTH = 3
const MAX_DECODED = 10

/**
 * Returns the text decoded in the usual ways, nested ones included: strings of JSON and of programming languages, percent-encoding, HTML,
 * and numbered bytes. Returns only texts that differ, least nested first.
 */
export function decodings(text: string): readonly string[] {
  if (!ENCODED.test(text)) return []
  const found = new Set([text])
  let last: readonly string[] = [text]
  for (let depth = 0; depth < MAX_DEPTH && last.length > 0; depth += 1) {
    const next: string[] = []
    for (const decoded of last.flatMap((one) => DECODERS.map((decode) => decode(one)))) {
      if (found.has(decoded) || found.size > MAX_DECODED) continue
      found.add(decoded)
      next.push(decoded)
    }
    last = next
  }
  found.delete(text)
  return [...found]
}

/** Removes whitespace, to join text that was wrapped over lines. */
export function withoutWhitespace(text: string): string {
  if (!WHITESPACE.test(text)) return text
  return rewrite(text, (units) => {
    let length = 0
    for (const unit of units) {
      if (!isWhitespace(unit)) units[length++] = unit
    }
    return length
  })
}

// The loops work on UTF-16 units in place, because a regular expression takes ten times as long for text full of matches.
function rewrite(text: string, inPlace: (units: Uint16Array) => number): string {
  const bytes = Buffer.allocUnsafeSlow(text.length * 2)
  bytes.write(text, 'utf16le')
  const length = inPlace(new Uint16Array(bytes.buffer, 0, text.length))
  return length === text.length ? text : bytes.toString('utf16le', 0, length * 2)
}

const WHITESPACE = /[\t-\r \u00a0\u2028\u2029\u3000]/

function isWhitespace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
  return unit >= 0xa0 && (unit === 0xa0 || unit === 0x2028 || unit === 0x2029 || unit === 0x3000)
}

/** `{"0":103,"1":104}`, as `JSON.stringify` writes a `Uint8Array`, without its keys. */
function withoutByteNumbers(text: string): string {
  return text.includes('"0":') ? text.replace(/"\d{1,7}":\s*/g, '') : text
}

const BACKSLASH = 0x5c
const LETTER_U = 0x75
const LETTER_X = 0x78
const BRACE = 0x7b
const CLOSING_BRACE = 0x7d
const ZERO = 0x30
const JSON_ESCAPES = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(([from, to]) => [
    from.charCodeAt(0),
    to.charCodeAt(0),
  ]),
)

function unescapeJson(text: string): string {
  if (!text.includes('\\')) return text
  return rewrite(text, (units) => {
    let length = 0
    for (let at = 0; at < units.length; at += 1) {
      let unit = units[at] ?? 0
      if (unit === BACKSLASH) {
        const next = units[at + 1] ?? 0
        const numeric = numericEscape(units, at + 1)
        const short = JSON_ESCAPES.get(next)
        if (numeric) {
          unit = numeric.code
          at += numeric.length
        } else if (short !== undefined) {
          unit = short
          at += 1
        }
      }
      units[length++] = unit
    }
    return length
  })
}

interface NumericEscape {
  readonly code: number
  /** Length in UTF-16 units, not counting the backslash. */
  readonly length: number
}

/** Reads `u0041`, and escapes of other languages that JSON lacks: `x41`, `u{41}`, `101`. */
function numericEscape(units: Uint16Array, at: number): NumericEscape | undefined {
  const first = units[at] ?? 0
  return first === LETTER_U || first === LETTER_X ? hexEscape(units, at) : octalEscape(units, at)
}

function hexEscape(units: Uint16Array, at: number): NumericEscape | undefined {
  const isBraced = units[at + 1] === BRACE
  const start = isBraced ? at + 2 : at + 1
  const digits = isBraced ? units.indexOf(CLOSING_BRACE, start) - start : units[at] === LETTER_U ? 4 : 2
  const code = digits > 0 && digits <= 6 ? hexOf(units, start, digits) : -1
  return code >= 0 && code <= 0xffff ? { code, length: digits + (isBraced ? 3 : 1) } : undefined
}

function octalEscape(units: Uint16Array, at: number): NumericEscape | undefined {
  let code = 0
  let length = 0
  for (; length < 3 && isOctal(units[at + length]); length += 1) code = code * 8 + (units[at + length] ?? 0) - ZERO
  return length > 1 ? { code, length } : undefined
}

function isOctal(unit: number | undefined): boolean {
  return unit !== undefined && unit >= ZERO && unit < ZERO + 8
}

/** Returns -1 if these are not all hex digits. */
function hexOf(units: Uint16Array | Uint8Array, start: number, digits: number): number {
  let value = 0
  for (let at = start; at < start + digits; at += 1) {
    const unit = units[at] ?? 0
    const lower = unit | 0x20
    if (unit >= 0x30 && unit <= 0x39) value = value * 16 + unit - 0x30
    else if (lower >= 0x61 && lower <= 0x66) value = value * 16 + lower - 0x61 + 10
    else return -1
  }
  return value
}

const PERCENT = 0x25

function decodePercent(text: string): string {
  if (!text.includes('%')) return text
  const bytes = Buffer.from(text)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    const code = byte === PERCENT ? hexOf(bytes, at + 1, 2) : -1
    if (code >= 0) at += 2
    bytes[length++] = code >= 0 ? code : byte
  }
  return length === bytes.length ? text : bytes.toString('utf8', 0, length)
}

const AMPERSAND = 0x26
const HASH = 0x23
const SEMICOLON = 0x3b
const MAX_CODE_POINT = 0x10ffff
const HTML_ENTITIES = Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }).map(([name, character]) => ({
  units: Uint16Array.from(`${name};`, (unit) => unit.charCodeAt(0)),
  code: character.charCodeAt(0),
}))

function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text
  return rewrite(text, (units) => {
    let length = 0
    for (let at = 0; at < units.length; at += 1) {
      const unit = units[at] ?? 0
      const found = unit === AMPERSAND ? referenceAt(units, at + 1) : 0
      const code = found === 0 ? unit : found >> LENGTH_BITS
      at += found & LONGEST
      // Even the shortest reference is longer than the two units of the highest character.
      if (code > 0xffff) {
        units[length++] = 0xd800 + ((code - 0x10000) >> 10)
        units[length++] = 0xdc00 + (code & 0x3ff)
      } else {
        units[length++] = code
      }
    }
    return length
  })
}

const LENGTH_BITS = 4
const LONGEST = (1 << LENGTH_BITS) - 1

/**
 * Reads the reference after an ampersand. Returns the character's code and the reference's length packed into one number, or 0 if there is
 * no reference.
 */
function referenceAt(units: Uint16Array, start: number): number {
  if (units[start] !== HASH) return entityAt(units, start)
  const isHex = ((units[start + 1] ?? 0) | 0x20) === LETTER_X
  const first = start + (isHex ? 2 : 1)
  const last = first + (isHex ? 6 : 7)
  const base = isHex ? 16 : 10
  let code = 0
  let at = first
  for (; at < last; at += 1) {
    const digit = hexOf(units, at, 1)
    if (digit < 0 || digit >= base) break
    code = code * base + digit
  }
  if (at === first || units[at] !== SEMICOLON || code > MAX_CODE_POINT) return 0
  return (code << LENGTH_BITS) | (at + 1 - start)
}

function entityAt(units: Uint16Array, start: number): number {
  for (const { units: name, code } of HTML_ENTITIES) {
    let same = 0
    while (same < name.length && units[start + same] === name[same]) same += 1
    if (same === name.length) return (code << LENGTH_BITS) | same
  }
  return 0
}

/** What every text has that one of the decoders changes. */
const ENCODED = /[\\%&]|"0":/

const DECODERS: readonly ((text: string) => string)[] = [unescapeJson, decodePercent, unescapeHtml, withoutByteNumbers]
