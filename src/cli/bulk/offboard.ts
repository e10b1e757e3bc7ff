import { type CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { Owner } from '../../core/model/owner.ts'
import { meansProvider, serviceOf, storageKey } from '../../core/model/storage-key.ts'
import { revokeAllOf } from '../../core/operations/owner-revocation.ts'
import { withBar } from '../operator/batch.ts'
import { isPlaceIn } from '../operator/damaged-record.ts'
import { failuresOf } from '../operator/failures.ts'
import { providersOf } from '../operator/load-tools.ts'
import { type OperatorAccess, ownerFromInput, ownerOptions, withOperatorAccess } from '../operator/operator-access.ts'
import { providerNames } from '../operator/provider-option.ts'
import type { Command, ExitCode, Terminal } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { offboardByServer, serverOptions } from './offboard-by-server.ts'
import { isFound, type Offboarded, offboardText, serverOffboardText } from './offboard-text.ts'
import { type Remaining, remainingAfter } from './remaining.ts'

export const offboard: Command = {
  name: 'offboard',
  summary: 'revoke every credential of one owner, and list what is left to do',
  parameters: [],
  options: {
    ...ownerOptions,
    ...serverOptions,
    providers: { type: 'string' },
    tools: { type: 'string' },
    purge: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  help: `
Usage: mcp-credential-vault offboard --issuer URL --subject SUBJECT [--providers NAME,NAME] [--tools MODULE]
         [--purge] [--dry-run] [--json]
       mcp-credential-vault offboard --issuer URL --subject SUBJECT --server URL --token-file FILE […]

Revokes every credential of this owner in the backend. Disable the account at the identity provider first: else the owner can sign in again.
Without --server the command ends with 1, because running servers may keep browser sessions, links, cached values and calls in memory. It lists
them with the time until which each may last, and the services where the tokens themselves have to be deleted.
If the servers share a Redis that this environment names, the command ends browser sessions and links on all of them, and tells them to drop
cached values. It still lists cached values, because a server that is cut off from Redis does not get the message.
With --server the running server does all of it through its admin API, and the command ends with 0 once nothing is left.
If nothing of the owner is stored, the command says what it checked. It then ends with 3, or with 0 if the running server did it.
A failure does not keep the other credentials from being revoked. Run the command again after the times it prints.

  --providers NAME,…   also revoke these, whatever the list says: for a login that may not list, or a damaged record. Without the list a
                       provider's named accounts are not known, so name them too (jira,jira@work), or give --tools
  --tools MODULE       the module of tools, whose accounts of --providers, or else all of whose providers, are revoked too if the list breaks off
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
    if (byServer && input.text('tools') !== undefined)
      throw new UsageError('--tools is for the command without --server: the running server knows its own providers')
    if (byServer) return throughServer(input, terminal, owner, providers)
    return withOperatorAccess(terminal, async (access) => {
      const looked = await lookedFor(providers, input.text('tools'))
      const { done, errors } = await offboarded(access, terminal, owner, looked, input)
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
  { names, declared, undeclared }: LookedFor,
  input: CommandInput,
): Promise<{ readonly done: Offboarded; readonly errors: readonly CredentialVaultError[] }> {
  const dryRun = input.flag('dry-run')
  const purge = input.flag('purge')
  const { context } = access
  const keyOf = (name: string) => storageKey(name, owner)
  const wanted = { named: names.map(keyOf), known: declared.map(keyOf) }
  const ending = dryRun ? undefined : await endedOnServers(access, owner)
  const { credentials, listed, otherProviders, damage, failures } = await withBar(terminal, 'revoke', (onDone) =>
    revokeAllOf(owner, { credentials: access.credentials, context, ...wanted, purge, dryRun, onDone }),
  )
  // Cuts off values that calls have read, in every server that hears it.
  const untold = ending ? await failureOf(access.servers.changes.offboarded(owner)) : []
  const ended = ending?.ended ?? []
  const remaining = remainingAfter(terminal.environment, access.cacheSeconds, Date.now()).filter(
    ({ what }) => !ended.includes(what),
  )
  const errors = [...(ending?.errors ?? []), ...failures, ...untold, ...(damage ? [damage] : [])]
  const isDamaged = (provider: string) => isPlaceIn(damage?.message, access.credentials.locate(keyOf(provider)))
  const unlisted = damage && {
    listError: damage.code,
    undeclared,
    notListed: otherProviders.map((provider) => ({ provider, damaged: isDamaged(provider) })),
  }
  const done = { ...owner, dryRun, credentials, listed, ...unlisted, failures: failuresOf(errors), ended, remaining }
  return { done, errors }
}

async function failureOf(work: Promise<void>): Promise<readonly CredentialVaultError[]> {
  try {
    await work
    return []
  } catch (error) {
    if (!isCredentialVaultError(error)) throw error
    return [error]
  }
}

/**
 * Ends the owner's sessions, so that nothing is saved any more, and then their links and waiting calls, where the servers keep both in a
 * store that they share.
 */
async function endedOnServers(
  { servers: { endings } }: OperatorAccess,
  owner: Owner,
): Promise<{ readonly ended: readonly Remaining['what'][]; readonly errors: readonly CredentialVaultError[] }> {
  const ended: Remaining['what'][] = []
  const errors: CredentialVaultError[] = []
  const attempt = async (what: Remaining['what'], work: Promise<void> | undefined) => {
    try {
      await work
      if (work) ended.push(what)
    } catch (error) {
      if (!isCredentialVaultError(error)) throw error
      errors.push(error)
    }
  }
  await attempt('browser_sessions', endings?.sessions(owner))
  await attempt('pending_links', endings?.requests(owner))
  return { ended, errors }
}

interface LookedFor {
  /** Looked for whatever the list says. */
  readonly names: readonly string[]
  /** Looked for if the list could not be read to its end. */
  readonly declared: readonly string[]
  /** Providers that were named, and of whose other accounts only the list would tell. */
  readonly undeclared: readonly string[]
}

async function lookedFor(named: readonly string[], tools: string | undefined): Promise<LookedFor> {
  const declared = tools === undefined ? [] : [...(await providersOf(tools)).keys()]
  const meant = named.length === 0 ? declared : declared.filter((name) => named.some((one) => meansProvider(one, name)))
  const isDeclared = (provider: string) => declared.includes(provider) || serviceOf(provider) !== provider
  return { names: named, declared: meant, undeclared: named.filter((provider) => !isDeclared(provider)) }
}
