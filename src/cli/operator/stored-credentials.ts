import { type Listing, listAll } from '../../core/operations/stored-list.ts'
import { table } from '../terminal/table.ts'
import type { OperatorAccess } from './operator-access.ts'

/** Reads the whole list. A damaged record, or a list that breaks off, does not hide what was listed before. */
export function listStored({ credentials, context }: OperatorAccess): Promise<Listing> {
  return listAll(credentials, context)
}

/** A row, whose cells are empty where they are absent. JSON leaves these out. */
export type Row<C extends string> = Readonly<Partial<Record<C, string | number | undefined>>>

export function rowsTable<C extends string>(columns: readonly C[], rows: readonly Row<C>[]): string {
  // A column that no row fills would only take room.
  const used = columns.filter((column) => rows.some((row) => row[column] !== undefined))
  const cells = rows.map((row) => Object.fromEntries(used.map((column) => [column, String(row[column] ?? '')])))
  return rows.length === 0 ? '' : table<string>(used, cells)
}
