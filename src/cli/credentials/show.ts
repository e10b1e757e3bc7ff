import { stateOf } from '../../core/lifecycle/state-of.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { CredentialStatus } from '../../core/ports/secret-backend.ts'
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

Shows whether the credential is active, rejected, expired, revoked or absent, its version, its account at the service, when it expires, and
where the backend keeps it. "unusable" is one that was stored past a sealed envelope. For an active one it prints the
command that rotates it, and the vendor's own command with the text to type there. Never prints a value.
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
        ...stateShown(status),
        ...(version && { version: version.label, since: version.createdAt.toISOString() }),
        ...labelsShown(status),
        ...(fields && { fields }),
        backend: credentials.backendName,
        location: credentials.locate(key),
        ...(status.status === 'active' && rotation(credentials, key, fields)),
      }
      terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : lines(shown))
      return status.status === 'absent' ? 3 : 0
    })
  },
}

function stateShown(status: CredentialStatus) {
  if (status.status === 'active' && status.refused) return { status: 'unusable', problem: status.refused }
  return { status: stateOf(status, [], Date.now()) }
}

function labelsShown(status: CredentialStatus) {
  const { accountName, expiresAt, rejectedAt } = (status.status === 'active' && status.labels) || {}
  return {
    ...(accountName !== undefined && { accountName }),
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    ...(rejectedAt && { rejectedAt: rejectedAt.toISOString() }),
  }
}

function lines(shown: Readonly<Record<string, string | readonly string[]>>): string {
  const rows = Object.entries(shown).map(([name, value]) => [
    LABELS[name] ?? name,
    [value].flat().join(', ') + (NOTES[name] ?? ''),
  ])
  return rows.map(([label = '', text = '']) => `${label.padEnd(10)} ${text}\n`).join('')
}

const LABELS: Readonly<Record<string, string>> = {
  accountName: 'account',
  expiresAt: 'expires',
  rejectedAt: 'rejected',
  rotateByHand: 'by hand',
  rotateInput: 'then type',
}
/** `rotateInput`: the vendor's command reads standard input to its end, and the terminal echoes it. */
const NOTES: Readonly<Record<string, string>> = {
  rotateInput: ', then Ctrl+D; the terminal shows what you type',
  problem: ': every call with it is refused; docs/troubleshooting.md#record_tampered says what to do',
}

/** Names our own command first, because it prompts without an echo, keeps the other fields and logs the change. */
function rotation(credentials: OperatorCredentials, key: StorageKey, fields: readonly string[] | undefined) {
  const owner = `--issuer ${shellWord(key.owner.issuer)} --subject ${shellWord(key.owner.subject)}`
  const field = fields !== undefined && fields.length > 1 ? ' --field FIELD' : ''
  const vendorCommand = credentials.rotateCommand(key, fields ?? ['FIELD'])
  return {
    rotate: `npx mcp-credential-vault rotate ${key.provider} ${owner}${field}`,
    ...(vendorCommand && { rotateByHand: vendorCommand.command, rotateInput: vendorCommand.input }),
  }
}

/** Quotes a word for a POSIX shell, which would take `auth0|alice` for a pipe. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
