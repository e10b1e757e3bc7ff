import { stateOf } from '../../core/lifecycle/state-of.ts'
import { meansProvider, type StorageKey } from '../../core/model/storage-key.ts'
import { listAll, statusWithLabels } from '../../core/operations/stored-list.ts'
import type { CredentialStatus, StoredCredential } from '../../core/ports/secret-backend.ts'
import { forEachOf } from '../operator/batch.ts'
import { type OperatorAccess, withOperatorAccess } from '../operator/operator-access.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { counted, type Row, rowsTable } from '../terminal/table.ts'

const MILLISECONDS = { h: 3_600_000, d: 86_400_000 } as const
const MAX_DAYS = 3_650

export const expiring: Command = {
  name: 'expiring',
  summary: 'list credentials that expire soon or have expired',
  parameters: [],
  options: { within: { type: 'string' }, provider: { type: 'string' } },
  help: `
Usage: mcp-credential-vault expiring [--within 14d] [--provider NAME] [--json]

Lists credentials that have expired or expire within this time, the first to expire first. The time of expiry comes from the service, from
what the user typed, or from the operator; credentials without one are counted, not listed. Changes nothing, and never prints a value.

  --within DURATION   days or hours, such as 14d or 36h; default 14d
`,
  run(input, terminal) {
    const within = durationFrom(input.text('within') ?? '14d', '--within')
    return withOperatorAccess(terminal, async (access) => {
      const now = Date.now()
      const { stored, damage } = await listAll(access.credentials, access.context)
      const provider = input.text('provider')
      const wanted = stored.filter(({ key }) => provider === undefined || meansProvider(provider, key.provider))
      const active = await withLabels(access, terminal, wanted)
      const rows = active
        .filter(({ expiresAt }) => expiresAt !== undefined && expiresAt.getTime() <= now + within)
        .sort((a, b) => Number(a.expiresAt) - Number(b.expiresAt))
        .map((one) => rowOf(one, now))
      const unknown = active.filter(({ expiresAt }) => expiresAt === undefined).length
      const shown = { credentials: rows, withoutExpiry: unknown }
      const none = 'No credential expires in this time.\n'
      const note =
        unknown === 0 ? '' : `${counted(unknown, 'credential has', 'credentials have')} no known time of expiry.\n`
      const text = `${rows.length === 0 ? none : rowsTable(columns, rows)}${note}`
      terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : text)
      if (damage) throw damage
      return 0
    })
  },
}

const columns = ['expires', 'state', 'provider', 'issuer', 'subject', 'accountName'] as const

type ActiveStatus = Extract<CredentialStatus, { status: 'active' }>

interface Dated {
  readonly key: StorageKey
  readonly status: ActiveStatus
  readonly expiresAt: Date | undefined
}

/** Adds the labels that the list lacks. */
async function withLabels(
  { credentials, context }: OperatorAccess,
  terminal: Terminal,
  stored: readonly StoredCredential[],
): Promise<readonly Dated[]> {
  const active = stored.filter(({ status }) => status.status === 'active')
  const outcomes = await forEachOf(terminal, 'look', active, (one) => statusWithLabels(credentials, one, context))
  return outcomes.flatMap((outcome): Dated[] => {
    if ('error' in outcome) throw outcome.error
    const { item, result: status } = outcome
    // Another process may have revoked it since it was listed.
    return status.status === 'active' ? [{ key: item.key, status, expiresAt: status.labels?.expiresAt }] : []
  })
}

function rowOf({ key, status, expiresAt }: Dated, now: number): Row<(typeof columns)[number]> {
  return {
    expires: expiresAt?.toISOString(),
    // The provider's variables are not known here, so no field can be missing.
    state: stateOf(status, [], now),
    provider: key.provider,
    ...key.owner,
    accountName: status.labels?.accountName,
  }
}

/**
 * Reads a duration such as `14d` or `36h` as milliseconds.
 *
 * @throws UsageError that names the option, for anything else and for more than 3650 days
 */
function durationFrom(text: string, option: string): number {
  const [, count = '', unit] = /^(\d{1,5})([dh])$/.exec(text) ?? []
  const duration = Number(count) * (unit === 'h' ? MILLISECONDS.h : MILLISECONDS.d)
  if (unit === undefined || duration === 0 || duration > MAX_DAYS * MILLISECONDS.d)
    throw new UsageError(`${option} takes days or hours, such as 14d or 36h, up to ${MAX_DAYS}d`)
  return duration
}
