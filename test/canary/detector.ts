import { asLatin1, type SearchForms, searchForms } from './encodings.ts'
import type { CanarySet } from './secrets.ts'

export interface Detector {
  /** Kinds of secrets that occur in the text, in any encoding; `short` when a whole field of it is the short one. */
  findIn(text: string | Uint8Array): readonly string[]
  /** Where the first one stands, with its surroundings, for the report of a failure. */
  excerpt(text: string | Uint8Array): string
  /** Longer than anything that is searched for: the overlap to keep between two parts of a stream. */
  readonly overlap: number
}

interface Needle {
  readonly kind: string
  readonly forms: SearchForms
}

const FIELD_ENDS = /[\s"'<>=&;,:{}()[\]\\]+/

export function createDetector({ canaries, short }: CanarySet): Detector {
  const needles = canaries.flatMap(({ kind, fragments }) =>
    fragments.map((fragment): Needle => ({ kind, forms: searchForms(fragment) })),
  )
  const shortForms = new Set([
    short,
    Buffer.from(short).toString('base64').replace(/=+$/, ''),
    Buffer.from(short).toString('hex'),
    encodeURIComponent(short),
    [...short].reverse().join(''),
  ])

  function* hits(text: string | Uint8Array): Generator<{ kind: string; view: string; at: number }> {
    const plain = asLatin1(text)
    const lower = plain.toLowerCase()
    const bare = plain.replace(/\s+/g, '')
    const views: readonly (readonly [keyof SearchForms, string])[] = [
      ['exact', plain],
      ['anyCase', lower],
      ['unwrapped', bare],
    ]
    for (const { kind, forms } of needles) {
      for (const [name, view] of views) {
        for (const form of forms[name]) {
          const at = view.indexOf(form)
          if (at >= 0) yield { kind, view, at }
        }
      }
    }
    const field = plain.split(FIELD_ENDS).find((part) => shortForms.has(part))
    if (field !== undefined) yield { kind: 'short', view: plain, at: plain.indexOf(field) }
  }

  const lengths = needles.flatMap(({ forms: { exact, anyCase, unwrapped } }) =>
    [...exact, ...anyCase, ...unwrapped].map((form) => form.length),
  )
  return {
    findIn: (text) => [...new Set([...hits(text)].map(({ kind }) => kind))],
    excerpt(text) {
      for (const { view, at } of hits(text)) return view.slice(Math.max(0, at - 200), at + 120)
      return ''
    },
    // Decimal bytes are printed over several lines, with blanks.
    overlap: 2 * Math.max(...lengths) + 1024,
  }
}
