import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { AccessContext } from '../../core/ports/access-context.ts'
import type { CredentialStatus } from '../../core/ports/secret-backend.ts'
import { cacheHelp } from '../operator/cache-notice.ts'
import {
  credentialName,
  keyFromInput,
  noSuchCredential,
  type OperatorCredentials,
  ownerOptions,
  withOperatorAccess,
} from '../operator/operator-access.ts'
import type { Command } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { revokeAll } from './revoke-all.ts'

export const revoke: Command = {
  name: 'revoke',
  summary: 'make one credential unreadable, so that its owner is asked again',
  parameters: ['PROVIDER'],
  parametersFor: (input) => (input.flag('all') ? [] : ['PROVIDER']),
  options: {
    ...ownerOptions,
    purge: { type: 'boolean' },
    all: { type: 'boolean' },
    provider: { type: 'string' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean' },
  },
  help: `
Usage: mcp-credential-vault revoke PROVIDER --issuer URL --subject SUBJECT [--purge] [--json]
       mcp-credential-vault revoke --all --provider NAME [--purge] [--dry-run] [--yes] [--json]

Makes every stored version unreadable, unless it is changed at the same time. The next call asks the owner again and says that the credential was revoked.
--purge removes that mark too: afterwards the credential reads as never stored.
Ends with 0 for one that is revoked already, and with 3 where none is stored: "list" shows what is.
Revoking here does not revoke the token at its service: do that there as well.
${cacheHelp}

  --all       every credential of --provider: after a leak there, say. Asks for the provider's name on a terminal; elsewhere it needs --yes.
              A failure does not keep the others from being revoked; run it again for those (1).
  --dry-run   with --all, only list what would be revoked
`,
  run: (input, terminal) => {
    if (input.flag('all')) return revokeAll(input, terminal)
    const without = ['provider', 'dry-run', 'yes'].find((option) => input.text(option) ?? input.flag(option))
    if (without !== undefined) throw new UsageError(`--${without} belongs to --all`)
    const key = keyFromInput(input)
    const purge = input.flag('purge')
    return withOperatorAccess(terminal, async ({ credentials, context, cacheSeconds, cacheNotice }) => {
      const before = await statusOrDamage(credentials, key, context)
      // Revokes exactly the version that was shown. A credential saved meanwhile is a conflict.
      const expect = before?.status === 'active' ? { version: before.version.ref } : 'any'
      const changed = await credentials.revoke(key, { purge, expect }, context)
      const version = !before || before.status === 'absent' ? undefined : before.version.label
      const done = {
        provider: key.provider,
        ...key.owner,
        revoked: changed,
        purged: purge,
        ...(version && { version }),
        cacheSeconds,
      }
      if (!changed && before?.status !== 'revoked') throw noSuchCredential(key)
      const name = credentialName(key)
      const text = changed
        ? `${purge ? 'Purged' : 'Revoked'} ${name}${version ? `: version ${version}` : ''}.`
        : `Nothing was changed: ${name} is revoked already.`
      terminal.out(input.flag('json') ? `${JSON.stringify(done)}\n` : `${text}\n${cacheNotice}`)
      return 0
    })
  },
}

/** Returns undefined for a record that cannot be read, because a damaged record must still be revocable. */
async function statusOrDamage(
  credentials: OperatorCredentials,
  key: StorageKey,
  context: AccessContext,
): Promise<CredentialStatus | undefined> {
  try {
    return await credentials.status(key, context)
  } catch (error) {
    if (isCredentialVaultError(error, 'record_tampered', 'record_replayed')) return undefined
    throw error
  }
}
