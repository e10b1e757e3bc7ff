import { expect, test } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { readLogRecord } from '../../../src/audit/query/log-record.ts'
import { logColumns, logRow } from '../../../src/cli/audit/log-table.ts'
import { table } from '../../../src/cli/terminal/table.ts'
import { printable } from '../../../src/core/model/printable.ts'
import { auditLogUnderTest, resolvedEvent } from '../../harness/audit-log.ts'

test("a client's name with a line end in it makes no row of its own", async () => {
  const log = await auditLogUnderTest()
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  const clientName = 'x\n2026-11-22T10:00:00.000Z  credential.revoked  success  alice'
  await audit.append({ ...resolvedEvent('c'), clientName, tool: 't' })
  await audit.close()
  const records = (await log.lines()).flatMap((line) => readLogRecord(Buffer.from(line)) ?? [])
  const rows = records.filter(({ type }) => type === 'credential.resolved').map(logRow)
  // As the terminal gets it.
  expect(printable(table(logColumns, rows)).trimEnd().split('\n')).toHaveLength(2)
})
