/**
 * Returns the candidate that is most similar to a mistyped name, with at most a third of its letters changed, left out, added or swapped
 * with a neighbour. Of equally similar candidates, the first wins.
 */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  const found = candidates
    .map((name) => ({ name, distance: distance(typed, name) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance)
  return found[0]?.name
}

/** Optimal string alignment distance: like Levenshtein, but a swap of two neighbours counts once. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const at = (up: number, left: number) => (rows[i - up] ?? row)[j - left] ?? 0
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(
        Math.min(
          at(1, 0) + 1,
          (row[j - 1] ?? 0) + 1,
          at(1, 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
          ...(swapped ? [at(2, 2) + 1] : []),
        ),
      )
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}
