import { inspect } from 'node:util'
import type { CredentialValues, Variable } from '../model/variables.ts'
import { type EchoEnds, echoText } from './echo-text.ts'
import { type SecretForms, secretForms } from './secret-forms.ts'
import { decodings, withoutWhitespace } from './text-decodings.ts'
import { createTextSearch, type TextSearch } from './text-search.ts'

export interface EchoGuardOptions {
  /** Also searches for secrets shorter than 8 bytes, which ordinary text may contain by chance. Default false. */
  readonly includeShort?: boolean
  /** Whose secrets these are. Default: nobody in particular. */
  readonly source?: EchoSource
}

/** The account that a secret was released from. */
export interface EchoSource {
  /** Tells sources apart: the provider's name, or `name@account`. */
  readonly provider: string
  /** The name by which users know the account. */
  readonly label: string
  /** Records that something was withheld because it contained the account's secret. */
  readonly report: () => Promise<void>
}

/** Remembers the secrets that one call was given, and searches for them in everything that leaves the call. */
export interface EchoGuard {
  /** Remembers the values of the variables that are `secret`. */
  add(variables: readonly Variable[], values: CredentialValues, options?: EchoGuardOptions): void
  /** Whether it holds no secret yet. */
  isEmpty(): boolean
  /**
   * Whether a secret occurs anywhere in `value`: strings, keys, nested values, errors. Also when it is JSON- or HTML-escaped,
   * percent-encoded, in base64, base64url, hex or decimal bytes, reversed, wrapped over lines, or split over consecutive strings or
   * contents in base64, or over this value and the messages before it.
   */
  finds(value: unknown): boolean
  /** Returns whose secrets {@link finds} finds, or undefined if it finds none. Empty if none of them names a source. */
  sourcesIn(value: unknown): readonly EchoSource[] | undefined
  /** Remembers the ends of a message that is sent, to find a secret that the next message completes. */
  sent(message: unknown): void
}

/** Shorter secrets occur in ordinary text by chance. */
const MIN_BYTES = 8

// Building a searcher costs more than a search, so it is kept as long as the released values.
const made = new WeakMap<CredentialValues, Map<string, Searcher | undefined>>()

export function createEchoGuard(): EchoGuard {
  return new CallEchoGuard()
}

/** Private fields, so that printing the guard shows no secret. */
class CallEchoGuard implements EchoGuard {
  // Made for the first secret, because a call that waits for its user has none.
  #searchers: Map<Searcher, Map<string, EchoSource>> | undefined
  #before: EchoEnds | undefined

  constructor() {
    Object.freeze(this)
  }

  add(
    variables: readonly Variable[],
    values: CredentialValues,
    { includeShort = false, source }: EchoGuardOptions = {},
  ): void {
    const searcher = searcherFor(variables, values, includeShort)
    if (!searcher) return
    this.#searchers ??= new Map()
    const sources = this.#searchers.get(searcher) ?? new Map<string, EchoSource>()
    this.#searchers.set(searcher, source ? sources.set(source.provider, source) : sources)
  }

  isEmpty(): boolean {
    return this.#searchers === undefined
  }

  finds(value: unknown): boolean {
    return this.sourcesIn(value) !== undefined
  }

  sourcesIn(value: unknown): readonly EchoSource[] | undefined {
    if (!this.#searchers) return undefined
    const { text } = echoText(value, longest(this.#searchers), this.#before)
    const found = [...this.#searchers].filter(([searcher]) => searcher.finds(text))
    if (found.length === 0) return undefined
    return [...new Map(found.flatMap(([, sources]) => [...sources])).values()]
  }

  sent(message: unknown): void {
    if (this.#searchers) this.#before = echoText(message, longest(this.#searchers), this.#before).ends()
  }

  toJSON(): object {
    return {}
  }

  [inspect.custom](): string {
    return 'EchoGuard {}'
  }
}

// Frozen: a tool can reach it through its own call, and a change would affect every call.
Object.freeze(CallEchoGuard.prototype)

function longest(searchers: ReadonlyMap<Searcher, unknown>): number {
  return Math.max(...[...searchers.keys()].map((searcher) => searcher.longest))
}

function searcherFor(
  variables: readonly Variable[],
  values: CredentialValues,
  includeShort: boolean,
): Searcher | undefined {
  const names = variables.filter(({ secret }) => secret).map(({ name }) => name)
  const label = JSON.stringify([includeShort, names])
  const known = made.get(values) ?? new Map<string, Searcher | undefined>()
  if (known.has(label)) return known.get(label)
  const secrets = names
    .map((name) => (Object.hasOwn(values, name) ? values[name] : undefined))
    .filter((value): value is string => value !== undefined && value !== '')
    .filter((value) => includeShort || Buffer.byteLength(value) >= MIN_BYTES)
  const searcher = secrets.length > 0 ? createSearcher([...new Set(secrets)].map(secretForms)) : undefined
  // Values that can still change must not be cached.
  if (Object.isFrozen(values)) made.set(values, known.set(label, searcher))
  return searcher
}

interface Searcher {
  readonly longest: number
  finds(text: string): boolean
}

function createSearcher(forms: readonly SecretForms[]): Searcher {
  const searchFor = (kind: Exclude<keyof SecretForms, 'longest'>): TextSearch =>
    createTextSearch(forms.flatMap((one) => one[kind]))
  const exact = searchFor('exact')
  const anyCase = searchFor('anyCase')
  const plain = searchFor('plain')
  const unwrapped = searchFor('unwrapped')
  const unwrappedAnyCase = searchFor('unwrappedAnyCase')

  function findsUnwrapped(text: string): boolean {
    const bare = withoutWhitespace(text)
    return bare !== text && (unwrapped(bare) || unwrappedAnyCase(bare.toLowerCase()))
  }

  return {
    longest: Math.max(...forms.map(({ longest }) => longest)),
    finds(text) {
      if (exact(text) || anyCase(text.toLowerCase()) || findsUnwrapped(text)) return true
      return decodings(text).some((decoded) => plain(decoded) || findsUnwrapped(decoded))
    },
  }
}
