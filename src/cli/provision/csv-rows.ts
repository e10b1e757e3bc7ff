import { fileLabel, shownPath } from '../../core/host/shown-path.ts'
import { VARIABLE_NAME } from '../../core/model/variables.ts'
import { UsageError } from '../terminal/command-line.ts'
import { type CsvRecord, csvRecords } from './csv-records.ts'
import type { ReadRow } from './row.ts'

const NAMES = ['provider', 'issuer', 'subject'] as const
type Name = (typeof NAMES)[number]

/** Values for columns that the file does not have. */
export type Defaults = Readonly<Partial<Record<Name, string | undefined>>>

/** A spreadsheet writes these in place of a formula that failed, and the cell's own text is lost. */
const SPREADSHEET_ERROR = /^#(?:NAME\?|REF!|VALUE!|N\/A|NULL!|NUM!|DIV\/0!|SPILL!|CALC!)$/
/** Cells with which a spreadsheet begins a formula. */
const FORMULA = /^[=+\-@\t\r]/
/** A long number as a spreadsheet writes it, e.g. 1.12345E+20: digits are lost. */
const ROUNDED = /^\d+(?:[.,]\d+e[+-]?|e[+-])\d+$/i

/**
 * Reads rows whose first line names the columns: `provider`, `issuer`, `subject`, and one for each field. An empty cell of a field is an
 * optional field that is left out.
 *
 * @throws UsageError for a first line that does not fit
 */
export function csvRows(text: string, file: string, option: string, defaults: Defaults = {}): readonly ReadRow[] {
  const source = fileLabel(option, file)
  const place = shownPath(file) ?? `the file of ${option}`
  const [head, ...records] = csvRecords(text, source)
  if (!head) throw new UsageError(`${source} is empty`)
  const columns = columnsOf(head, source, defaults)
  if (records.length === 0) throw new UsageError(`${source} has no row below its first line`)
  return records.map((record) => rowOf(record, columns, `line ${record.line} of ${place}`, defaults))
}

function columnsOf({ cells }: CsvRecord, source: string, defaults: Defaults): readonly string[] {
  const columns = cells.map((cell) => cell.trim())
  if (columns.length === 1 && columns[0]?.includes(';'))
    throw new UsageError(`${source} has semicolons between its columns; save it with commas`)
  const missing = NAMES.filter((name) => !columns.includes(name) && defaults[name] === undefined)
  if (missing.length > 0) throw new UsageError(`${source}: the first line lacks the column ${missing.join(', ')}`)
  const given = NAMES.filter((name) => columns.includes(name) && defaults[name] !== undefined)
  if (given.length > 0) throw new UsageError(`${source} has the column ${given[0]} already; leave --${given[0]} out`)
  for (const [at, column] of columns.entries()) {
    const place = `${source}: column ${at + 1}`
    // A file without a first line of names would have a secret here.
    if (!VARIABLE_NAME.test(column)) throw new UsageError(`${place} has no name that a field can have`)
    if (columns.indexOf(column) !== at) throw new UsageError(`${place} has the name of an earlier one`)
  }
  if (columns.every((column) => isName(column))) throw new UsageError(`${source} has no column for a field`)
  return columns
}

function isName(column: string): column is Name {
  return NAMES.some((name) => name === column)
}

function rowOf({ cells }: CsvRecord, columns: readonly string[], place: string, defaults: Defaults): ReadRow {
  if (cells.length !== columns.length)
    return { place, problem: `has ${cells.length} cells, and the first line has ${columns.length}` }
  const names: Partial<Record<Name, string>> = {}
  const fields = new Map<string, string>()
  for (const [at, column] of columns.entries()) {
    const cell = cells[at] ?? ''
    if (SPREADSHEET_ERROR.test(cell.trim()))
      return { place, problem: `has the error value of a spreadsheet in column ${at + 1}` }
    if (isName(column)) {
      const problem = problemOfName(cell)
      if (problem) return { place, problem: `has ${problem} as its ${column} in column ${at + 1}` }
      names[column] = cell
    } else if (cell !== '') fields.set(column, cell)
  }
  const { provider = '', issuer = '', subject = '' } = { ...defaults, ...names }
  return { place, provider, issuer, subject, fields }
}

/** Tells what a spreadsheet, or a hand, has made of a name: it would belong to an owner who does not exist. */
function problemOfName(cell: string): string | undefined {
  if (FORMULA.test(cell)) return 'what a spreadsheet takes for a formula'
  if (cell !== cell.trim()) return 'text with blanks around it'
  if (ROUNDED.test(cell)) return 'a number that a spreadsheet has rounded'
  return undefined
}
