/** Bytes. The length of a sealed text alone would reveal many kinds of token. */
const PADDING_BLOCK = 256
const END = 0x80

/** Joins the parts and pads them to a multiple of 256 bytes: 0x80, then zeros (ISO/IEC 7816-4). */
export function padded(...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const content = Buffer.alloc(Math.ceil((length + 1) / PADDING_BLOCK) * PADDING_BLOCK)
  let at = 0
  for (const part of parts) {
    content.set(part, at)
    at += part.length
  }
  content[length] = END
  return content
}

/** Returns the bytes before the padding, without copying them, or undefined if there is no padding. */
export function unpadded(content: Uint8Array): Uint8Array | undefined {
  const end = content.lastIndexOf(END)
  return end < 0 ? undefined : content.subarray(0, end)
}
