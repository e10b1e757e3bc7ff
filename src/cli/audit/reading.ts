import type { LogFilter } from '../../audit/query/log-filter.ts'
import { logFilter } from '../../audit/query/log-filter.ts'
import type { LogRecord } from '../../audit/query/log-record.ts'
import { mergedLines } from '../../audit/query/merged-lines.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { AuditCommand, AuditEvent } from '../../core/ports/audit-sink.ts'
import { createStores } from '../../vault/environment/create-stores.ts'
import { openAudit } from '../operator/open-audit.ts'
import { operator } from '../operator/operator-access.ts'
import type { Terminal } from '../terminal/command.ts'
import type { CommandInput } from '../terminal/command-line.ts'
import { auditFolder, ownAuditKeys } from './audit-folder.ts'
import { filterFrom } from './log-filter-options.ts'

/** The log as a command that shows lines uses it. */
export interface LogReading {
  readonly folder: string
  readonly filter: LogFilter
  readonly matches: (record: LogRecord) => boolean
  lines(): AsyncIterable<LogRecord>
}

/** Opens the log for reading and records who read it and with which filter. */
export async function openReading(input: CommandInput, terminal: Terminal, command: AuditCommand): Promise<LogReading> {
  const folder = await auditFolder(input, terminal)
  const filter = filterFrom(input)
  const keys = await ownAuditKeys(terminal)
  const correlationId = newCorrelationId()
  const pseudonyms = keys.map(({ pseudonym }) => pseudonym)
  const fits = logFilter(filter, pseudonyms)
  // Leaves out the line about this reading.
  const matches = (record: LogRecord) => record.correlationId !== correlationId && fits(record)
  if (input.text('folder') === undefined) {
    const looked = await knownSubject(folder, filter, matches)
    await noteReading(terminal, { reason: command, correlationId, ...looked })
  }
  return { folder, filter, matches, lines: () => matching(folder, filter, matches, terminal) }
}

async function* matching(
  folder: string,
  { since }: LogFilter,
  matches: LogReading['matches'],
  terminal: Terminal,
): AsyncGenerator<LogRecord> {
  let unreadable = 0
  const count = () => {
    unreadable += 1
  }
  for await (const record of mergedLines(folder, { since, unreadable: count })) if (matches(record)) yield record
  if (unreadable > 0)
    terminal.error(
      `mcp-credential-vault: ${unreadable} lines are not part of the log. Run: mcp-credential-vault audit verify\n`,
    )
}

type LookedFor = Pick<AuditEvent, 'owner' | 'provider'>

/** Records the requested user only if the log already has that name, since a secret may be typed by mistake. */
async function knownSubject(
  folder: string,
  { user, provider, since }: LogFilter,
  matches: LogReading['matches'],
): Promise<LookedFor> {
  if (user === undefined && provider === undefined) return {}
  for await (const record of mergedLines(folder, { since })) {
    if (!matches(record)) continue
    const { owner } = record
    const named = user !== undefined && owner && owner.pseudonym !== user
    return {
      ...(named && { owner: { issuer: owner.issuer, subject: user } }),
      ...(provider !== undefined && { provider }),
    }
  }
  return {}
}

/** Writes to the server's log only, not to a copy that --folder names. */
async function noteReading(
  terminal: Terminal,
  looked: LookedFor & Pick<AuditEvent, 'reason' | 'correlationId'>,
): Promise<void> {
  const stores = createStores(terminal.environment, { create: false, stdout: process.stderr })
  const { audit, backend, pendingStore } = stores
  try {
    await openAudit(stores, terminal.environment)
    await audit.append({
      type: 'audit.read',
      outcome: 'success',
      actor: operator(),
      ...looked,
    })
  } catch (error) {
    const why = isCredentialVaultError(error) ? error.message : 'The log cannot be written.'
    terminal.error(`mcp-credential-vault: this reading of the log could not be recorded in it. ${why}\n`)
  } finally {
    await Promise.allSettled([backend.close(), pendingStore.shutdown()])
    await audit.close()
  }
}
