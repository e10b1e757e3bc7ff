import type { Command } from './command.ts'
import { keyFromInput, ownerOptions, withOperatorAccess } from './operator-access.ts'

export const show: Command = {
  name: 'show',
  summary: 'show the state of one credential, without values',
  parameters: ['PROVIDER'],
  options: ownerOptions,
  help: `
Usage: mcp-credential-vault show PROVIDER --issuer URL --subject SUBJECT [--json]

Shows whether the credential is active, revoked or absent, its version, and where the backend keeps it. Never prints a value.
Ends with 3 when it is absent.
`,
  run: (input, terminal) => {
    const key = keyFromInput(input)
    return withOperatorAccess(terminal, async ({ credentials, context }) => {
      const status = await credentials.status(key, context)
      const version = status.status === 'absent' ? undefined : status.version
      const shown = {
        provider: key.provider,
        ...key.owner,
        status: status.status,
        ...(version && { version: version.label, since: version.createdAt.toISOString() }),
        ...(status.status === 'active' && status.fields && { fields: status.fields.join(', ') }),
        backend: credentials.backendName,
        location: credentials.locate(key),
      }
      const lines = Object.entries(shown).map(([name, value]) => `${name.padEnd(9)} ${value}\n`)
      terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : lines.join(''))
      return status.status === 'absent' ? 3 : 0
    })
  },
}
