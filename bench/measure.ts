/** One number that a bench takes, and what it has to be. */
export interface Measure {
  /** e.g. `sealed-read-1k`. */
  readonly name: string
  readonly value: number
  /** e.g. `ms`. */
  readonly unit: string
  /** For people, e.g. `≤ 1`. */
  readonly goal: string
}

/** The value that half of the samples do not exceed. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
