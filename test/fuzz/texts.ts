import fc from 'fast-check'
import { MARKER } from './target.ts'

/** What parsers stumble over. */
const FRAGMENTS = [
  ...[
    '',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\0',
    '\u007f',
    '\u0085',
    '\u00a0',
    '\u202e',
    '\u2028',
    '\ufeff',
    '\ud800',
    '\udfff',
  ],
  ...[
    '"',
    "'",
    '`',
    '<',
    '>',
    '&',
    '%',
    '%00',
    '%0d%0a',
    '%',
    '\\',
    '/',
    '//',
    '..',
    '../',
    '?',
    '#',
    '@',
    ':',
    ';',
    ',',
  ],
  ...['=', '==', '+', '-', '_', '.', '*', '[', ']', '(', ')', '{', '}', '|', '~', '$', '^', '!'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'null',
    'undefined',
    'NaN',
    'true',
    '0',
    '-1',
    '1e999',
    '9007199254740993',
  ],
  ...[
    'javascript:',
    'data:text/html,',
    '<script>',
    '</script>',
    '<img src=x onerror=1>',
    'https://',
    'http://[::1]',
    '&#x6a;',
  ],
  ...['é', 'ß', 'İ', 'ﬀ', '👩‍💻', '𐍈', 'e\u0301', MARKER, `${MARKER}${MARKER}`],
]

const fragment = fc.constantFrom(...FRAGMENTS)
const codeUnits = fc.array(fc.nat(0xffff), { maxLength: 24 }).map((units) => String.fromCharCode(...units))
const shortText = fc.oneof(
  fragment,
  fc.string({ maxLength: 16 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  codeUnits,
)
const repeated = fc
  .tuple(fc.array(shortText, { minLength: 1, maxLength: 3 }), fc.nat(2000))
  .map(([parts, times]) => parts.join('').repeat(times).slice(0, 20_000))

/** Any text: fragments in a row, any code units, and now and then one that goes on and on. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 12, arbitrary: fc.array(shortText, { maxLength: 8 }).map((parts) => parts.join('')) },
  { weight: 4, arbitrary: codeUnits },
  { weight: 1, arbitrary: repeated },
)

interface Edit {
  readonly kind: 'delete' | 'insert' | 'replace' | 'double' | 'swap' | 'flip' | 'cut'
  readonly at: number
  readonly length: number
  readonly text: string
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('delete', 'insert', 'replace', 'double', 'swap', 'flip', 'cut'),
  at: fc.nat(1_000_000),
  length: fc.nat(24),
  text: shortText,
})

function edited(text: string, { kind, at, length, text: added }: Edit): string {
  const start = at % (text.length + 1)
  const end = Math.min(text.length, start + length)
  const [before, middle, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)]
  switch (kind) {
    case 'delete':
      return before + after
    case 'insert':
      return before + added + middle + after
    case 'replace':
      return before + added + after
    case 'double':
      return before + middle + middle + after
    case 'swap':
      return after + middle + before
    case 'flip':
      return (
        text.slice(0, start) + String.fromCharCode(text.charCodeAt(start) ^ (1 << (length % 8))) + text.slice(start + 1)
      )
    case 'cut':
      return before
  }
}

/** A valid text, changed in none to four places. */
export function mutated(...valid: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...valid), fc.array(edit, { maxLength: 4 }))
    .map(([text, edits]) => edits.reduce(edited, text))
}

/** Mostly mutations of valid texts, and any other. */
export function textLike(...valid: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: 3, arbitrary: mutated(...valid) }, { weight: 1, arbitrary: anyText })
}

/** What an HTTP header can carry, which Node has made sure of. */
export function headerLike(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
}

/** Any value of JavaScript, with texts like these in it. */
export function anyValue(text: fc.Arbitrary<string> = anyText): fc.Arbitrary<unknown> {
  return fc.anything({
    values: [text, fc.boolean(), fc.integer(), fc.double(), fc.constant(null), fc.constant(undefined)],
    maxDepth: 2,
    maxKeys: 4,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: false,
    withSet: true,
    withTypedArray: true,
  })
}

/** Options in which some values are wrong: of each, mostly a plausible one. */
export function optionsLike(
  plausible: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(plausible).map(
    ([name, value]) => [name, fc.oneof({ weight: 8, arbitrary: value }, { weight: 1, arbitrary: anyValue() })] as const,
  )
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] })
}

/** Names may be told, for they are how a mistake is found: only what stands under them is secret. */
export function nameLike(...valid: readonly string[]): fc.Arbitrary<string> {
  return textLike(...valid).map((text) => text.replaceAll(MARKER, 'name'))
}

/** Any value that JSON can carry. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(fc.jsonValue({ maxDepth: 3 }), anyText)
