/** Limits for untrusted JSON. Its length in bytes is limited elsewhere. */
const MAX_DEPTH = 64
/** Objects, arrays and members. Each costs a parser as much as hundreds of bytes of text. */
const MAX_PARTS = 100_000

export type JsonExcess = 'depth' | 'parts'

/** Counts while the bytes arrive and before they are parsed, so that JSON which would block the process is refused at once. */
export interface JsonCounter {
  /** Takes the next bytes. Returns the exceeded limit, or undefined. */
  add(bytes: Uint8Array): JsonExcess | undefined
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPENING = [0x5b, 0x7b] as const
const CLOSING = [0x5d, 0x7d] as const

export function jsonCounter(): JsonCounter {
  let depth = 0
  let parts = 0
  let inString = false
  let escaped = false

  return {
    add(bytes) {
      for (let at = 0; at < bytes.length; at += 1) {
        const byte = bytes[at]
        if (inString) {
          if (escaped) escaped = false
          else if (byte === BACKSLASH) escaped = true
          else if (byte === QUOTE) inString = false
        } else if (byte === QUOTE) {
          inString = true
        } else if (byte === OPENING[0] || byte === OPENING[1]) {
          depth += 1
          parts += 1
          if (depth > MAX_DEPTH) return 'depth'
        } else if (byte === CLOSING[0] || byte === CLOSING[1]) {
          depth -= 1
        } else if (byte === COLON) {
          parts += 1
        }
        if (parts > MAX_PARTS) return 'parts'
      }
      return undefined
    },
  }
}

/** Parses untrusted JSON like `JSON.parse`. Also throws if it is nested too deep or has too many parts. */
export function parseUntrustedJson(text: string): unknown {
  const excess = jsonCounter().add(Buffer.from(text))
  if (excess) throw new SyntaxError(excessText(excess))
  return JSON.parse(text)
}

export function excessText(excess: JsonExcess): string {
  return excess === 'depth'
    ? `the JSON is nested deeper than ${MAX_DEPTH} levels`
    : `the JSON has more than ${MAX_PARTS} objects, arrays and members`
}

/** Parses text that may be anything. Returns undefined when it is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether a parsed value is an object with members: no array, and not null. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
