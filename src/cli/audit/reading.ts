import type { LogFilter } from '../../audit/query/log-filter.ts'
import { logFilter } from '../../audit/query/log-filter.ts'
import type { LogRecord } from '../../audit/query/log-record.ts'
import { mergedLines } from '../../audit/query/merged-lines.ts'
import { newCorrelationId } from '../../core/credentials.ts'
import { isVaultError } from '../../core/errors.ts'
import { createStores } from '../../create-stores.ts'
import type { CommandInput, Terminal } from '../command.ts'
import { openAudit } from '../open-audit.ts'
import { operator } from '../operator-access.ts'
import { auditFolder, ownAuditKeys } from './audit-folder.ts'
import { filterFrom } from './log-filter-options.ts'

/** What a command that shows lines works with. */
export interface LogReading {
  readonly folder: string
  readonly filter: LogFilter
  readonly matches: (record: LogRecord) => boolean
  lines(): AsyncIterable<LogRecord>
}

/** Opens the log for reading, and has it say who read it and what for. */
export async function openReading(input: CommandInput, terminal: Terminal, command: string): Promise<LogReading> {
  const folder = await auditFolder(input, terminal)
  const filter = filterFrom(input)
  const keys = await ownAuditKeys(terminal)
  if (input.text('folder') === undefined) await noteReading(terminal, command, filter)
  const matches = logFilter(filter, keys?.pseudonym)
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
      `mcp-credential-vault: ${unreadable} lines are none of the log's. See: mcp-credential-vault audit verify\n`,
    )
}

/** In the log itself. A copy of it, named with --folder, is not written to. */
async function noteReading(terminal: Terminal, command: string, { user, issuer, provider }: LogFilter): Promise<void> {
  const stores = createStores(terminal.environment, { create: false, stdout: process.stderr })
  const { audit, backend, pendingStore } = stores
  try {
    await openAudit(stores)
    await audit.append({
      type: 'audit.read',
      outcome: 'success',
      reason: command,
      actor: operator(),
      ...(user !== undefined && issuer !== undefined && { owner: { issuer, subject: user } }),
      ...(provider !== undefined && { provider }),
      correlationId: newCorrelationId(),
    })
  } catch (error) {
    const why = isVaultError(error) ? error.message : 'The log cannot be written.'
    terminal.error(`mcp-credential-vault: that the log was read now does not stand in it. ${why}\n`)
  } finally {
    await Promise.all([backend.close(), pendingStore.shutdown()])
    await audit.close()
  }
}
