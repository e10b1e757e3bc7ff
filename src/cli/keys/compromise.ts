import type { ExposedCredential, Exposure } from '../../core/ports/store-keys.ts'
import type { Command } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { counted, table } from '../terminal/table.ts'
import { withStoreKeys } from './keys-access.ts'

export const keysCompromise: Command = {
  name: 'keys compromise',
  summary: 'list the credentials that an exposed key opened, to revoke at their services',
  parameters: [],
  options: { key: { type: 'string' } },
  help: `
Usage: mcp-credential-vault keys compromise [--key ID] [--json]

Lists every credential that someone with an exposed key and a copy of the folder could have read. Revoke each at its service: no change of
keys takes back what was read. Changes nothing.
Without --key it is the store key (MCP_VAULT_KEY_FILE) that was exposed, and with it everything. --key names one of the store's own keys, as
"keys rotate" prints it, a retired one too.
EXPOSED is "current" for the stored value, and "earlier" if only a value that was replaced or revoked could be read.
`,
  run(input, terminal) {
    const key = input.text('key')
    if (key !== undefined && !/^[0-9a-f]{8}$/.test(key))
      throw new UsageError('--key takes the id of a key, 8 digits and letters a to f, as "keys rotate" prints it')
    return withStoreKeys(terminal, async ({ keys, signal, record }) => {
      const exposure = await keys.exposed({ key }, signal)
      const rows = exposure.credentials.map(rowOf).sort(byName)
      await record({ type: 'key.exposure_listed', outcome: 'success', count: rows.length })
      const { nameless, damaged } = exposure
      terminal.out(
        input.flag('json')
          ? `${JSON.stringify({ credentials: rows, nameless, damaged })}\n`
          : `${rows.length === 0 ? 'No credential was exposed.\n' : table(columns, rows)}${restOf(exposure)}`,
      )
      return damaged.length > 0 ? 1 : 0
    })
  },
}

const columns = ['provider', 'issuer', 'subject', 'exposed', 'status', 'version', 'since'] as const

type Row = Readonly<Record<(typeof columns)[number], string>>

function rowOf({ key, exposure, status, version, since }: ExposedCredential): Row {
  return { provider: key.provider, ...key.owner, exposed: exposure, status, version, since: since.toISOString() }
}

function byName(a: Row, b: Row): number {
  return columns.map((column) => a[column].localeCompare(b[column])).find((order) => order !== 0) ?? 0
}

function restOf({ nameless, damaged }: Exposure): string {
  const lines = [
    ...(nameless > 0
      ? [
          `${counted(nameless, 'purged or emptied record no longer says whose it was', 'purged or emptied records no longer say whose they were')}. The audit log does.`,
        ]
      : []),
    ...damaged.map((path) => `Damaged, so its owner is unknown: ${path}`),
  ]
  return lines.map((line) => `${line}\n`).join('')
}
