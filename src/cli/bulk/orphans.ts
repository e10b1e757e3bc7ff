import { ownerKey } from '../../core/model/owner.ts'
import { meansProvider } from '../../core/model/storage-key.ts'
import { listAll } from '../../core/operations/stored-list.ts'
import type { StoredCredential } from '../../core/ports/secret-backend.ts'
import { providersOf } from '../operator/load-tools.ts'
import { withOperatorAccess } from '../operator/operator-access.ts'
import { providerNames } from '../operator/provider-option.ts'
import type { Command } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { counted, type Row, rowsTable } from '../terminal/table.ts'
import { ownersIn } from './owners-file.ts'

export const orphans: Command = {
  name: 'orphans',
  summary: 'list credentials whose provider or owner no longer exists',
  parameters: [],
  options: { providers: { type: 'string' }, tools: { type: 'string' }, owners: { type: 'string' } },
  help: `
Usage: mcp-credential-vault orphans [--providers NAME,NAME | --tools MODULE] [--owners FILE] [--json]

Lists credentials that nobody can use any more, revoked ones too. Changes nothing, and never prints a value. At least one is required:

  --providers NAME,…   the providers that still exist
  --tools MODULE       the same, from the module that "start" serves; the module is run, and nothing is served
  --owners FILE        the people whom the identity provider still knows, one per line: ISSUER SUBJECT, or {"issuer":"…","subject":"…"}

"revoke" removes one of them, "revoke --all" those of a provider, "offboard" those of an owner; "revoke --purge" removes the mark as well.
`,
  async run(input, terminal) {
    const providers = await existingProviders(input)
    const file = input.text('owners')
    const owners = file === undefined ? undefined : new Set((await ownersIn(file)).map(ownerKey))
    if (!providers && !owners) throw new UsageError('one of --providers, --tools and --owners is required')
    return withOperatorAccess(terminal, async (access) => {
      const { stored, damage } = await listAll(access.credentials, access.context)
      const rows = stored.flatMap((one) => {
        const gone = [
          ...(providers?.(one.key.provider) === false ? ['provider'] : []),
          ...(owners && !owners.has(ownerKey(one.key.owner)) ? ['owner'] : []),
        ]
        return gone.length === 0 ? [] : [rowOf(one, gone.join(', '))]
      })
      const text = `${rowsTable(columns, rows)}${counted(rows.length, 'orphan')} among ${counted(stored.length, 'credential')}.\n`
      terminal.out(input.flag('json') ? `${JSON.stringify({ orphans: rows, credentials: stored.length })}\n` : text)
      if (damage) throw damage
      return 0
    })
  },
}

const columns = ['provider', 'issuer', 'subject', 'status', 'since', 'gone'] as const

function rowOf({ key, status }: StoredCredential, gone: string): Row<(typeof columns)[number]> {
  const since = status.status === 'absent' ? undefined : status.version.createdAt.toISOString()
  return { provider: key.provider, ...key.owner, status: status.status, since, gone }
}

/** Returns whether a provider still exists. A name in `--providers` stands for all its accounts; a module says which of them exist. */
async function existingProviders(input: CommandInput): Promise<((provider: string) => boolean) | undefined> {
  const named = input.text('providers')
  const module = input.text('tools')
  if (named !== undefined && module !== undefined) throw new UsageError('give --providers or --tools, not both')
  if (module !== undefined) {
    const declared = await providersOf(module)
    return (provider) => declared.has(provider)
  }
  if (named === undefined) return undefined
  const names = providerNames(named)
  return (provider) => names.some((name) => meansProvider(name, provider))
}
