/** Separates texts that do not follow each other. */
export const GAP = '\0'

/** MCP's fields for base64: `data` of images and audio, `blob` of resources. */
const BINARY_KEYS: ReadonlySet<string> = new Set(['data', 'blob'])
const TEXT_KEY = 'text'
// Of two bytes, so that UTF-16 after it stays aligned.
const GAP_BYTES = Buffer.alloc(2)
// Per UTF-16 unit: three in UTF-8, two in UTF-16.
const MAX_BYTES_PER_CHARACTER = 3

/** The contents of one message as bytes, for a secret that is split over several of them. */
export interface ContentBytes {
  /** Adds the string under this key. Returns what it decodes to, if its key is one for base64. */
  add(key: string, text: string): string | undefined
  /** What is to be searched: contents that follow each other stand next to each other without a gap. Empty if all of them are text. */
  joined(): string
  /** The last bytes, for the next message. */
  end(): ContentEnd
}

/** The last bytes of the messages sent so far. */
export interface ContentEnd {
  readonly bytes: Buffer
  /** Whether any of these bytes were sent as base64. */
  readonly isBinary: boolean
}

export const NO_CONTENT: ContentEnd = { bytes: Buffer.alloc(0), isBinary: false }

/** @param longest length of the longest thing searched for, in characters */
export function createContentBytes(before: ContentEnd, longest: number): ContentBytes {
  const length = longest * MAX_BYTES_PER_CHARACTER
  const pieces: Buffer[] = [before.bytes]
  let { isBinary } = before

  return {
    add(key, text) {
      if (BINARY_KEYS.has(key)) {
        const bytes = Buffer.from(text, 'base64')
        pieces.push(ends(bytes, length))
        isBinary = true
        return decoded(bytes)
      }
      if (key === TEXT_KEY) pieces.push(endsOfText(text, length))
      return undefined
    },

    joined() {
      // Texts that follow each other are searched under their key.
      if (!isBinary) return ''
      const bytes = Buffer.concat(pieces)
      return bytes.includes(0) ? decoded(bytes) + GAP + decoded(bytes.subarray(1)) : decoded(bytes)
    },

    end: () => ({ bytes: Buffer.from(Buffer.concat(pieces).subarray(-length)), isBinary }),
  }
}

// The full bytes were searched by themselves; only their ends matter for secrets split over several contents.
function ends(bytes: Buffer, length: number): Buffer {
  if (bytes.length <= 2 * length) return bytes
  return Buffer.concat([bytes.subarray(0, length), GAP_BYTES, bytes.subarray(-length)])
}

function endsOfText(text: string, length: number): Buffer {
  if (text.length <= 2 * length) return Buffer.from(text)
  return Buffer.concat([Buffer.from(text.slice(0, length)), GAP_BYTES, Buffer.from(text.slice(-length))])
}

// A secret inside may itself be escaped, which the forms of the bare secret in base64 do not cover.
function decoded(bytes: Buffer): string {
  if (!bytes.includes(0)) return bytes.toString()
  const utf16 = bytes.subarray(0, bytes.length - (bytes.length % 2))
  return [bytes.toString(), utf16.toString('utf16le'), Buffer.from(utf16).swap16().toString('utf16le')].join(GAP)
}
