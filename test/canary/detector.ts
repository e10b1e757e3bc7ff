import { bytesOf, type SearchForms, searchForms } from './encodings.ts'
import { searchFor } from './many-texts.ts'
import type { CanarySet } from './secrets.ts'

export interface Detector {
  /** Kinds of secrets that occur in the text, in any encoding; `short` when a whole field of it is the short one. */
  findIn(text: string | Uint8Array): readonly string[]
  /** Where the first one stands, with its surroundings, for the report of a failure. */
  excerpt(text: string | Uint8Array): string
  /** Longer than anything that is searched for: the overlap to keep between two parts of a stream. */
  readonly overlap: number
}

const FIELD_ENDS = /[\s"'<>=&;,:{}()[\]\\]+/

export function createDetector({ canaries, short }: CanarySet): Detector {
  const needles = canaries.flatMap(({ kind, fragments }) =>
    fragments.map((fragment) => ({ kind, forms: searchForms(fragment) })),
  )
  const occurrencesOf = (name: keyof SearchForms) =>
    searchFor(
      needles.flatMap(({ kind, forms }) =>
        forms[name].map((form) => ({ bytes: Buffer.from(form, 'latin1'), meaning: kind })),
      ),
    )
  const exact = occurrencesOf('exact')
  const anyCase = occurrencesOf('anyCase')
  const unwrapped = occurrencesOf('unwrapped')
  const shortForms = new Set([
    short,
    Buffer.from(short).toString('base64').replace(/=+$/, ''),
    Buffer.from(short).toString('hex'),
    encodeURIComponent(short),
    [...short].reverse().join(''),
  ])

  function* hits(text: string | Uint8Array): Generator<{ kind: string; view: Buffer; at: number }> {
    const plain = Buffer.isBuffer(text) ? text : bytesOf(text)
    const views = [
      [exact, plain],
      [anyCase, Buffer.from(plain.toString('latin1').toLowerCase(), 'latin1')],
      [unwrapped, withoutWhiteSpace(plain)],
    ] as const
    for (const [occurrences, view] of views)
      for (const { meaning: kind, at } of occurrences(view)) yield { kind, view, at }
    // To cut everything into fields takes its time, so only what may be one is.
    if (![...shortForms].some((form) => plain.includes(form))) return
    const latin1 = plain.toString('latin1')
    const field = latin1.split(FIELD_ENDS).find((part) => shortForms.has(part))
    if (field !== undefined) yield { kind: 'short', view: plain, at: latin1.indexOf(field) }
  }

  const lengths = needles.flatMap(({ forms: { exact, anyCase, unwrapped } }) =>
    [...exact, ...anyCase, ...unwrapped].map((form) => form.length),
  )
  return {
    findIn: (text) => [...new Set([...hits(text)].map(({ kind }) => kind))],
    excerpt(text) {
      for (const { view, at } of hits(text)) return view.toString('latin1', Math.max(0, at - 200), at + 120)
      return ''
    },
    // Decimal bytes are printed over several lines, with blanks.
    overlap: 2 * Math.max(...lengths) + 1024,
  }
}

/** Without the bytes that are white space as characters. */
function withoutWhiteSpace(text: Buffer): Buffer {
  const kept = Buffer.allocUnsafe(text.length)
  let length = 0
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? 0
    if (byte !== 32 && !(byte >= 9 && byte <= 13) && byte !== 160) kept[length++] = byte
  }
  return kept.subarray(0, length)
}
