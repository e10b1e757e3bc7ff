/** Whether any of the needles occurs in a text. */
export type TextSearch = (text: string) => boolean

const BUCKETS = 1 << 15

/**
 * Searches a text for many strings at once (Wu and Manber 1994, blocks of two UTF-16 units). It skips text that shares no pair of units
 * with any needle, so a hundred needles cost little more than one.
 */
export function createTextSearch(needles: readonly string[]): TextSearch {
  const short = needles.filter((needle) => needle.length > 0 && needle.length < 3)
  const long = [...new Set(needles)].filter((needle) => needle.length >= 3)
  // Skipping uses this many units of every needle; the rest is compared.
  const window = Math.min(255, ...long.map((needle) => needle.length))
  const shifts = new Uint8Array(BUCKETS).fill(window - 1)
  const endingIn = new Map<number, string[]>()
  for (const needle of long) {
    for (let end = 1; end < window; end += 1) {
      const bucket = bucketAt(needle, end)
      shifts[bucket] = Math.min(shifts[bucket] ?? 0, window - 1 - end)
    }
    const last = bucketAt(needle, window - 1)
    endingIn.set(last, [...(endingIn.get(last) ?? []), needle])
  }

  return (text) => {
    if (short.some((needle) => text.includes(needle))) return true
    if (long.length === 0) return false
    for (let end = window - 1; end < text.length; ) {
      const bucket = bucketAt(text, end)
      const shift = shifts[bucket] ?? 0
      const start = end - window + 1
      if (shift === 0 && endingIn.get(bucket)?.some((needle) => text.startsWith(needle, start))) return true
      end += shift || 1
    }
    return false
  }
}

function bucketAt(text: string, end: number): number {
  return ((text.charCodeAt(end - 1) << 7) ^ text.charCodeAt(end)) & (BUCKETS - 1)
}
