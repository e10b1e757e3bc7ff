import type { StorageKey } from '../../core/model/storage-key.ts'
import {
  keyFromInput,
  type OperatorCredentials,
  ownerOptions,
  withOperatorAccess,
} from '../operator/operator-access.ts'
import type { Command } from '../terminal/command.ts'

export const show: Command = {
  name: 'show',
  summary: 'show the state of one credential, without values',
  parameters: ['PROVIDER'],
  options: ownerOptions,
  help: `
Usage: mcp-credential-vault show PROVIDER --issuer URL --subject SUBJECT [--json]

Shows whether the credential is active, revoked or absent, its version, where the backend keeps it, and the vendor's own command
that rotates it by hand, with the text to type there before Ctrl-D. Never prints a value.
Ends with 3 when it is absent.
`,
  run: (input, terminal) => {
    const key = keyFromInput(input)
    return withOperatorAccess(terminal, async ({ credentials, context }) => {
      await credentials.record(key, context, { type: 'admin.shown', outcome: 'success' })
      const status = await credentials.status(key, context)
      const version = status.status === 'absent' ? undefined : status.version
      const fields = status.status === 'active' ? await credentials.fieldNames(key, context) : undefined
      const shown = {
        provider: key.provider,
        ...key.owner,
        status: status.status,
        ...(version && { version: version.label, since: version.createdAt.toISOString() }),
        ...(fields && { fields }),
        backend: credentials.backendName,
        location: credentials.locate(key),
        ...(status.status !== 'absent' && rotation(credentials, key, fields)),
      }
      terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : lines(shown))
      return status.status === 'absent' ? 3 : 0
    })
  },
}

function lines(shown: Readonly<Record<string, string | readonly string[]>>): string {
  const rows = Object.entries(shown).map(([name, value]) => [LABELS[name] ?? name, [value].flat().join(', ')])
  return rows.map(([label = '', text = '']) => `${label.padEnd(10)} ${text}\n`).join('')
}

const LABELS: Readonly<Record<string, string>> = { rotateInput: 'then type' }

/** Field names are what the command has to name; without them it shows where they go. */
function rotation(
  credentials: OperatorCredentials,
  key: StorageKey,
  fields: readonly string[] | undefined,
): { readonly rotate?: string; readonly rotateInput?: string } {
  const rotate = credentials.rotateCommand(key, fields ?? ['FIELD'])
  return rotate === undefined ? {} : { rotate: rotate.command, rotateInput: rotate.input }
}
