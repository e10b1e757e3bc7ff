import { stateOf } from '../../core/lifecycle/state-of.ts'
import { meansProvider, storageKey } from '../../core/model/storage-key.ts'
import type { StoredCredential } from '../../core/ports/secret-backend.ts'
import { DOCTOR_ISSUER, leftoverOf } from '../doctor/leftover.ts'
import { damagedOwnerText } from '../operator/damaged-record.ts'
import { ownerOptions, withOperatorAccess } from '../operator/operator-access.ts'
import type { Command } from '../terminal/command.ts'
import { type CommandInput, isName } from '../terminal/command-line.ts'
import { table } from '../terminal/table.ts'

const filterOptions = { provider: { type: 'string' }, ...ownerOptions } as const

export const list: Command = {
  name: 'list',
  summary: 'list stored credentials, without values',
  parameters: [],
  options: filterOptions,
  help: `
Usage: mcp-credential-vault list [--provider NAME] [--issuer URL] [--subject SUBJECT] [--json]

Lists who has a credential stored, revoked ones too. Never prints a value.
The backend is the one that the environment names, as for the server (MCP_VAULT_BACKEND, MCP_VAULT_FOLDER, MCP_VAULT_KEY_FILE).
`,
  run: (input, terminal) =>
    withOperatorAccess(terminal, async ({ credentials, context }) => {
      const rows: Row[] = []
      const found: StoredCredential[] = []
      let damage: unknown
      try {
        for await (const stored of credentials.list(context)) {
          found.push(stored)
          if (isAskedFor(stored, input)) rows.push(rowOf(stored))
        }
      } catch (error) {
        // One damaged record must not hide the others.
        terminal.error(damagedOwnerText(error, found, credentials))
        if (rows.length === 0) throw error
        damage = error
      }
      rows.sort((a, b) => columns.map((column) => a[column].localeCompare(b[column])).find((order) => order !== 0) ?? 0)
      const shown = rows.length === 0 ? noneText(input) : `${table(columns, rows)}${leftoverText(rows)}`
      terminal.out(input.flag('json') ? `${JSON.stringify({ credentials: rows })}\n` : shown)
      if (damage !== undefined) throw damage
      return 0
    }),
}

const columns = ['provider', 'issuer', 'subject', 'status', 'version', 'since'] as const

function noneText(input: CommandInput): string {
  const filters = Object.keys(filterOptions).filter((option) => input.text(option) !== undefined)
  if (filters.length === 0) return 'There are no credentials.\n'
  // Only names are quoted, because a secret may have been typed in the wrong place.
  const given = filters.map((option) => `--${option} ${nameOnly(input.text(option) ?? '')}`.trimEnd()).join(' ')
  return `No credential matches ${given}. "list" without filters shows all.\n`
}

function nameOnly(value: string): string {
  return isName(value) ? value : ''
}

/** Explains probe records of `doctor`, which look like a user's. */
function leftoverText(rows: readonly Row[]): string {
  return rows
    .filter(({ issuer }) => issuer === DOCTOR_ISSUER)
    .map(
      ({ provider, subject }) =>
        `Not a user's: ${leftoverOf(storageKey(provider, { issuer: DOCTOR_ISSUER, subject }))}\n`,
    )
    .join('')
}

type Row = Readonly<Record<(typeof columns)[number], string>>

function isAskedFor({ key: { provider, owner } }: StoredCredential, input: CommandInput): boolean {
  const fits = (option: string, value: string) => (input.text(option) ?? value) === value
  const wanted = input.text('provider')
  if (wanted !== undefined && !meansProvider(wanted, provider)) return false
  return fits('issuer', owner.issuer) && fits('subject', owner.subject)
}

function rowOf({ key, status }: StoredCredential): Row {
  const version = status.status === 'absent' ? undefined : status.version
  return {
    provider: key.provider,
    ...key.owner,
    status: stateOf(status, [], Date.now()),
    version: version?.label ?? '',
    since: version?.createdAt.toISOString() ?? '',
  }
}
