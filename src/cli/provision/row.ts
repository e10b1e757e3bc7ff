/** One credential as an operator's file has it, before anything about it is checked. */
export interface Row {
  /** For errors, e.g. `line 3 of users.csv`. */
  readonly place: string
  readonly provider: string
  readonly issuer: string
  readonly subject: string
  readonly fields: ReadonlyMap<string, string>
}

/** A row that cannot be read. */
export interface BadRow {
  readonly place: string
  /** The predicate of a sentence. It quotes nothing of the row, which may hold a secret in the wrong place. */
  readonly problem: string
}

export type ReadRow = Row | BadRow

export function isBad(row: ReadRow): row is BadRow {
  return 'problem' in row
}
