/** Escapes text of clients and users, so that it cannot start a row or column of its own. */
export function cell(text: string): string {
  return text.replace(/[\n\t]/g, (character) => (character === '\n' ? '\\n' : '\\t'))
}

/** Joins a number and its noun: `1 entry`, `2 entries`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`
}

/** Formats columns, each as wide as its widest cell. Their titles are the columns' names in capitals. */
export function table<C extends string>(columns: readonly C[], rows: readonly Readonly<Record<C, string>>[]): string {
  const lines = [
    columns.map((column) => column.toUpperCase()),
    ...rows.map((row) => columns.map((column) => cell(row[column]))),
  ]
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => cells[i]?.length ?? 0)))
  return lines
    .map(
      (cells) =>
        `${cells
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** A row, whose cells are empty where they are absent. JSON leaves these out. */
export type Row<C extends string> = Readonly<Partial<Record<C, string | number | undefined>>>

export function rowsTable<C extends string>(columns: readonly C[], rows: readonly Row<C>[]): string {
  // A column that no row fills would only take room.
  const used = columns.filter((column) => rows.some((row) => row[column] !== undefined))
  const cells = rows.map((row) => Object.fromEntries(used.map((column) => [column, String(row[column] ?? '')])))
  return rows.length === 0 ? '' : table<string>(used, cells)
}
