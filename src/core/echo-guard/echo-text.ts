import { isNativeError } from 'node:util/types'
import { type ContentEnd, createContentBytes, GAP, NO_CONTENT } from './content-bytes.ts'

/** The ends of the messages sent so far, by key and in order, for a secret that is split over several messages. */
export interface EchoEnds {
  readonly byKey: ReadonlyMap<string, string>
  readonly inOrder: string
  readonly content: ContentEnd
}

export interface EchoText {
  readonly text: string
  /** The ends of the texts, `longest` characters each, with those of earlier messages where this one adds nothing. */
  ends(): EchoEnds
}

const NOTHING: EchoEnds = { byKey: new Map(), inOrder: '', content: NO_CONTENT }
/** Number of keys whose ends are kept, the most recently used ones. */
const MAX_ENDS = 5_000

/**
 * All text of a JSON-like value as one string to search: every string and key, numbers, binary data as text, and what `JSON.stringify`
 * leaves out of errors. Strings under the same key, and strings that follow each other, also stand next to each other without a gap,
 * since a secret may be split over them, and likewise binary contents, and those of the messages `before` it. `longest`: length of the longest thing searched
 * for.
 */
export function echoText(value: unknown, longest: number, before: EchoEnds = NOTHING): EchoText {
  const byKey = new Map(before.byKey)
  let { inOrder } = before
  let apart = ''
  const contents = createContentBytes(before.content, longest)
  const seen = new WeakSet<object>()
  // Uses a stack instead of recursion, because the tool's result may be nested to any depth.
  const stack: Child[] = [{ key: '', value }]

  for (let next = stack.pop(); next; next = stack.pop()) {
    const { key } = next
    const current = asText(next.value)
    const soFar = byKey.get(key)
    if (typeof current === 'string') {
      byKey.set(key, soFar === undefined ? current : soFar + current)
      inOrder += ends(current, longest)
      const decoded = contents.add(key, current)
      if (decoded !== undefined) apart += GAP + decoded + GAP
      continue
    }
    if (soFar === undefined) byKey.set(key, '')
    if (typeof current === 'number' || typeof current === 'bigint') {
      // As in a printed list of bytes.
      apart += `${current},`
    } else if (typeof current === 'object' && current !== null && !seen.has(current)) {
      seen.add(current)
      for (const child of childrenOf(current, key).reverse()) stack.push(child)
    }
  }
  apart += GAP + contents.joined()
  let text = byKey.size > 1 ? apart + GAP + inOrder : apart
  for (const [key, texts] of byKey) text += GAP + key + GAP + texts
  return {
    text,
    ends: () => ({
      byKey: new Map([...byKey].slice(-MAX_ENDS).map(([key, texts]) => [key, texts.slice(-longest)])),
      inOrder: inOrder.slice(-longest),
      content: contents.end(),
    }),
  }
}

interface Child {
  readonly key: string
  readonly value: unknown
}

// The full text was searched under its key; only its ends matter for secrets split over strings.
function ends(text: string, length: number): string {
  return text.length <= 2 * length ? text : text.slice(0, length) + GAP + text.slice(-length)
}

function asText(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
  return value
}

function childrenOf(parent: object, key: string): Child[] {
  const underOwnKey = (values: Iterable<unknown>) => Array.from(values, (value) => ({ key, value }))
  if (Array.isArray(parent) || parent instanceof Set) return underOwnKey(parent)
  if (parent instanceof Map) return [...parent].flatMap((entry) => underOwnKey(entry))
  const names = Object.keys(parent)
  // These properties are not enumerable, but protocol adapters and logs show them. `instanceof` does not recognise an error of another
  // realm.
  if (parent instanceof Error || isNativeError(parent)) names.push('message', 'stack', 'cause', 'errors', 'name')
  const children = names.map((name) => ({ key: name, value: read(parent, name) }))
  const shown = jsonOf(parent)
  return shown === undefined ? children : [...children, ...underOwnKey([shown])]
}

// A property that throws when it is read cannot be sent either.
function read(parent: object, name: string): unknown {
  try {
    return Reflect.get(parent, name)
  } catch {
    return undefined
  }
}

function jsonOf(parent: object): unknown {
  const toJson = read(parent, 'toJSON')
  if (typeof toJson !== 'function') return undefined
  try {
    return toJson.call(parent)
  } catch {
    return undefined
  }
}
