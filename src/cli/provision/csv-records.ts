import { UsageError } from '../terminal/command-line.ts'

export interface CsvRecord {
  /** The line on which it begins, from 1. */
  readonly line: number
  readonly cells: readonly string[]
}

const BARE = /[^",\r\n]*/y
const END = /,|\r\n|\n|\r|$/y

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
  let at = 0
  while (at < text.length) {
    const cell = cellAt(text, at)
    const end = cell && matchAt(END, text, cell.end)
    if (!cell || end === undefined)
      throw new UsageError(`${source}: line ${line} has a quote that is not closed or stands within a cell`)
    cells.push(cell.value)
    line += lineEndsIn(cell.value) + (end === ',' || end === '' ? 0 : 1)
    at = cell.end + end.length
    if (end === ',' && at < text.length) continue
    if (end === ',') cells.push('')
    if (cells.length > 1 || cells[0] !== '') records.push({ line: begun, cells })
    cells = []
    begun = line
  }
  return records
}

/** Returns undefined for a quote that is not closed. A pattern for a whole quoted cell would exhaust the stack on a long one. */
function cellAt(text: string, at: number): { readonly value: string; readonly end: number } | undefined {
  if (text[at] !== '"') {
    const value = matchAt(BARE, text, at) ?? ''
    return { value, end: at + value.length }
  }
  let quote = text.indexOf('"', at + 1)
  while (quote >= 0 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2)
  return quote < 0 ? undefined : { value: text.slice(at + 1, quote).replaceAll('""', '"'), end: quote + 1 }
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

function lineEndsIn(value: string): number {
  return /[\r\n]/.test(value) ? value.split(/\r\n|\n|\r/).length - 1 : 0
}
