/** Bytes to search for, and what they stand for. */
export interface Wanted<T> {
  readonly bytes: Uint8Array
  readonly meaning: T
}

/** How many bytes at the end of a window decide how far the next one may be, and how many different sums of them there are. */
const BLOCK = 3
const SUMS = 0x10000

/** Of the block that ends before this place. */
const sumBefore = (bytes: Uint8Array, end: number) =>
  (((bytes[end - 3] ?? 0) << 10) ^ ((bytes[end - 2] ?? 0) << 5) ^ (bytes[end - 1] ?? 0)) & (SUMS - 1)

/**
 * Finds every occurrence of each of these in one pass, after Wu and Manber: the last bytes of a window that is as wide as the shortest of
 * them say how far the next window may be, which is mostly its whole width. To search for hundreds one by one takes minutes.
 */
export function searchFor<T>(wanted: readonly Wanted<T>[]) {
  const width = Math.min(...wanted.map(({ bytes }) => bytes.length))
  if (width < BLOCK) throw new Error(`Each has at least ${BLOCK} bytes`)
  const steps = new Uint16Array(SUMS).fill(width - BLOCK + 1)
  const endingIn = new Map<number, Wanted<T>[]>()
  for (const one of wanted) {
    for (let end = BLOCK; end <= width; end += 1) {
      const sum = sumBefore(one.bytes, end)
      steps[sum] = Math.min(steps[sum] ?? 0, width - end)
    }
    const last = sumBefore(one.bytes, width)
    endingIn.set(last, [...(endingIn.get(last) ?? []), one])
  }

  return function* (text: Buffer): Generator<{ readonly meaning: T; readonly at: number }> {
    for (let end = width; end <= text.length; ) {
      const sum = sumBefore(text, end)
      const step = steps[sum] ?? 0
      if (step === 0) {
        const at = end - width
        for (const { bytes, meaning } of endingIn.get(sum) ?? [])
          if (at + bytes.length <= text.length && text.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0)
            yield { meaning, at }
      }
      end += step || 1
    }
  }
}
