import { createHash, randomUUID } from 'node:crypto'

/** One secret of a kind, and the texts in it that occur nowhere else. */
export interface Canary {
  readonly kind: string
  readonly value: string
  /** At least 12 characters each. The head, the middle and the tail of the value hold one, so that a cut copy is found too. */
  readonly fragments: readonly string[]
}

/** Everything that one run types, by the name of its form field. */
export interface CanarySet {
  readonly seed: string
  readonly canaries: readonly Canary[]
  /** Too short to be searched in free text: 4 characters, compared field by field. */
  readonly short: string
  /** What is typed into the form. */
  readonly values: Readonly<Record<string, string>>
  of(kind: string): string
}

const SPECIAL: Readonly<Record<string, string>> = {
  quotes: `"'"''\`"`,
  html: '<b>&amp;"</b><!--',
  unicode: 'éß🔑ключ鍵',
  percent: '%41%zz+%%25 &=?#',
  backslash: '\\n\\u0041\\\\"\\',
}

/** The same seed gives the same secrets, so that another process can look for them without being told any. */
export function canarySet(seed: string = randomUUID()): CanarySet {
  const marker = (kind: string) =>
    createHash('sha256')
      .update(`${seed} ${kind}`)
      .digest('base64')
      .replace(/[^A-Za-z0-9]/g, '')
      .slice(0, 14)
  const filler = (kind: string, i: number) => marker(`${kind} filler ${i}`)

  const long = marker('long')
  const pem = marker('pem')
  const line = (i: number) => pem + filler('pem', i) + filler('pem', i + 10) + pem
  const plain: readonly Canary[] = [
    { kind: 'long', value: [1, 2, 3, 4, 5].map((i) => long + filler('long', i)).join('') + long, fragments: [long] },
    {
      kind: 'pem',
      value: `-----BEGIN PRIVATE KEY-----\n${[1, 2, 3, 4].map(line).join('\n')}\n-----END PRIVATE KEY-----\n`,
      fragments: [pem],
    },
  ]
  const special = Object.entries(SPECIAL).map(([kind, text]): Canary => {
    const own = marker(kind)
    return {
      kind,
      value: `${own}${text}${filler(kind, 1)}${text}${own}`,
      fragments: [own, `${own.slice(-6)}${text}${filler(kind, 1).slice(0, 6)}`],
    }
  })
  const canaries = [...plain, ...special]
  // Characters that cut no text into fields, and a mixture that no word, number or identifier has.
  const short = `${marker('short').slice(0, 2)}~!`
  return {
    seed,
    canaries,
    short,
    values: { ...Object.fromEntries(canaries.map(({ kind, value }) => [kind, value])), short },
    of(kind) {
      const found = canaries.find((canary) => canary.kind === kind)
      if (!found) throw new Error(`There is no secret of the kind ${kind}.`)
      return found.value
    },
  }
}
