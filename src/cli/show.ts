import type { Credentials } from '../core/credentials.ts'
import type { StorageKey } from '../core/storage-key.ts'
import type { Command } from './command.ts'
import { keyFromInput, ownerOptions, withOperatorAccess } from './operator-access.ts'

export const show: Command = {
  name: 'show',
  summary: 'show the state of one credential, without values',
  parameters: ['PROVIDER'],
  options: ownerOptions,
  help: `
Usage: mcp-credential-vault show PROVIDER --issuer URL --subject SUBJECT [--json]

Shows whether the credential is active, revoked or absent, its version, where the backend keeps it, and the vendor's own command
that rotates it by hand. Never prints a value.
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
        ...(fields && { fields: fields.join(', ') }),
        backend: credentials.backendName,
        location: credentials.locate(key),
        ...(status.status !== 'absent' && rotation(credentials, key, fields)),
      }
      const lines = Object.entries(shown).map(([name, value]) => `${name.padEnd(9)} ${value}\n`)
      terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : lines.join(''))
      return status.status === 'absent' ? 3 : 0
    })
  },
}

/** Field names are what the command has to name; without them it shows where they go. */
function rotation(
  credentials: Credentials,
  key: StorageKey,
  fields: readonly string[] | undefined,
): { readonly rotate?: string } {
  const rotate = credentials.rotateCommand(key, fields ?? ['FIELD'])
  return rotate === undefined ? {} : { rotate }
}
