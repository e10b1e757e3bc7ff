import { UsageError } from '../terminal/command-line.ts'

export interface CsvRecord {
  /** The line on which it begins, from 1. */
  readonly line: number
  readonly cells: readonly string[]
}

/** One cell and what ends it: quoted, with doubled quotes in it, or bare. */
const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y

/**
 * Reads CSV (RFC 4180): commas, double quotes, CRLF or LF. Empty lines are left out.
 *
 * @param source names it in errors, e.g. `--csv: users.csv`
 * @throws UsageError that names the line, for quotes that do not fit
 */
export function csvRecords(text: string, source: string): readonly CsvRecord[] {
  const records: CsvRecord[] = []
  let line = 1
  let begun = 1
  let cells: string[] = []
  CELL.lastIndex = 0
  while (CELL.lastIndex < text.length) {
    const found = CELL.exec(text)
    if (!found) throw new UsageError(`${source}: line ${line} has a quote that is not closed or stands within a cell`)
    const [whole, quoted, bare = '', end] = found
    cells.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'))
    line += whole.match(/\r\n|\n|\r/g)?.length ?? 0
    if (end === ',' && CELL.lastIndex < text.length) continue
    if (end === ',') cells.push('')
    if (cells.length > 1 || cells[0] !== '') records.push({ line: begun, cells })
    cells = []
    begun = line
  }
  return records
}
