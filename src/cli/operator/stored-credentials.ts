import { type CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { StoredCredential } from '../../core/ports/secret-backend.ts'
import { table } from '../terminal/table.ts'
import type { OperatorAccess } from './operator-access.ts'

export interface Listing {
  readonly stored: readonly StoredCredential[]
  /** Why the list may lack some, e.g. a damaged record. */
  readonly damage: CredentialVaultError | undefined
}

/** Reads the whole list. A damaged record, or a list that breaks off, does not hide what was listed before. */
export async function listStored({ credentials, context }: OperatorAccess): Promise<Listing> {
  const stored: StoredCredential[] = []
  try {
    for await (const one of credentials.list(context)) stored.push(one)
    return { stored: stored.sort(byName), damage: undefined }
  } catch (error) {
    if (!isCredentialVaultError(error)) throw error
    return { stored: stored.sort(byName), damage: error }
  }
}

function byName({ key: a }: StoredCredential, { key: b }: StoredCredential): number {
  return a.path < b.path ? -1 : 1
}

/** A row, whose cells are empty where they are absent. JSON leaves these out. */
export type Row<C extends string> = Readonly<Partial<Record<C, string | number | undefined>>>

export function rowsTable<C extends string>(columns: readonly C[], rows: readonly Row<C>[]): string {
  // A column that no row fills would only take room.
  const used = columns.filter((column) => rows.some((row) => row[column] !== undefined))
  const cells = rows.map((row) => Object.fromEntries(used.map((column) => [column, String(row[column] ?? '')])))
  return rows.length === 0 ? '' : table<string>(used, cells)
}
