import type { CredentialVaultError } from '../../core/model/errors.ts'
import type { Owner } from '../../core/model/owner.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import { revokeAllOf } from '../../core/operations/owner-revocation.ts'
import { withBar } from '../operator/batch.ts'
import { isPlaceIn } from '../operator/damaged-record.ts'
import { failuresOf } from '../operator/failures.ts'
import { type OperatorAccess, ownerFromInput, ownerOptions, withOperatorAccess } from '../operator/operator-access.ts'
import { providerNames } from '../operator/provider-option.ts'
import type { Command, ExitCode, Terminal } from '../terminal/command.ts'
import type { CommandInput } from '../terminal/command-line.ts'
import { offboardByServer, serverOptions } from './offboard-by-server.ts'
import { isFound, type Offboarded, offboardText, serverOffboardText } from './offboard-text.ts'
import { remainingAfter } from './remaining.ts'

export const offboard: Command = {
  name: 'offboard',
  summary: 'revoke every credential of one owner, and list what is left to do',
  parameters: [],
  options: {
    ...ownerOptions,
    ...serverOptions,
    providers: { type: 'string' },
    purge: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  help: `
Usage: mcp-credential-vault offboard --issuer URL --subject SUBJECT [--providers NAME,NAME] [--purge] [--dry-run] [--json]
       mcp-credential-vault offboard --issuer URL --subject SUBJECT --server URL --token-file FILE […]

Revokes every credential of this owner in the backend. Disable the account at the identity provider first: else the owner can sign in again.
Browser sessions, links and cached values are in the memory of running servers and cannot be ended from here, so without --server the command
ends with 1 and lists what may still hold a value and until when, and the services where the tokens themselves have to be deleted.
With --server the running server does all of it through its admin API, and the command ends with 0 once nothing is left.
If nothing of the owner is stored, the command says what it checked. It then ends with 3, or with 0 if the running server did it.
A failure does not keep the other credentials from being revoked. Run the command again after the times it prints.

  --providers NAME,…   also revoke these, whatever the list says: for a login that may not list, or a damaged record
  --purge              also remove the marks of the revocations
  --dry-run            only list what would be done (0)
  --server URL         base URL of the running server, whose admin API is on
  --token-file FILE    file with an access token that has the server's admin scope
`,
  run: (input, terminal) => {
    const owner = ownerFromInput(input)
    const named = input.text('providers')
    const providers = named === undefined ? [] : providerNames(named)
    const byServer = ['server', 'token-file'].some((option) => input.text(option) !== undefined)
    if (byServer) return throughServer(input, terminal, owner, providers)
    const extra = providers.map((provider) => storageKey(provider, owner))
    return withOperatorAccess(terminal, async (access) => {
      const { done, errors } = await offboarded(access, terminal, owner, extra, input)
      terminal.out(input.flag('json') ? `${JSON.stringify(done)}\n` : offboardText(done, errors))
      if (!done.listError && !isFound(done)) return 3
      return done.dryRun && !done.listError ? 0 : 1
    })
  },
}

async function throughServer(
  input: CommandInput,
  terminal: Terminal,
  owner: Owner,
  providers: readonly string[],
): Promise<ExitCode> {
  const choices = { ...owner, providers, purge: input.flag('purge'), dryRun: input.flag('dry-run') }
  const done = await offboardByServer(input, terminal, choices)
  terminal.out(input.flag('json') ? `${JSON.stringify(done)}\n` : serverOffboardText(done))
  return done.left.length === 0 ? 0 : 1
}

async function offboarded(
  access: OperatorAccess,
  terminal: Terminal,
  owner: Owner,
  extra: readonly StorageKey[],
  input: CommandInput,
): Promise<{ readonly done: Offboarded; readonly errors: readonly CredentialVaultError[] }> {
  const dryRun = input.flag('dry-run')
  const purge = input.flag('purge')
  const { context } = access
  const { credentials, listed, otherProviders, damage, failures } = await withBar(terminal, 'revoke', (onDone) =>
    revokeAllOf(owner, { credentials: access.credentials, context, named: extra, purge, dryRun, onDone }),
  )
  const remaining = remainingAfter(terminal.environment, access.cacheSeconds, Date.now())
  const errors = damage ? [...failures, damage] : failures
  const isDamaged = (provider: string) =>
    isPlaceIn(damage?.message, access.credentials.locate(storageKey(provider, owner)))
  const unlisted = damage && {
    listError: damage.code,
    notListed: otherProviders.map((provider) => ({ provider, damaged: isDamaged(provider) })),
  }
  const done = { ...owner, dryRun, credentials, listed, ...unlisted, failures: failuresOf(errors), remaining }
  return { done, errors }
}
