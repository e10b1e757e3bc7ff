import type { Command } from '../terminal/command.ts'
import { table } from '../terminal/table.ts'
import { folderOption } from './audit-folder.ts'
import { filterHelp, filterOptions } from './log-filter-options.ts'
import { type LogRow, logColumns, logRow } from './log-table.ts'
import { openReading } from './reading.ts'

/** Lines that set the width of the columns, so that the whole log need not be in memory. */
const AT_ONCE = 1000

export const auditShow: Command = {
  name: 'audit show',
  summary: 'show lines of the audit log as a table',
  parameters: [],
  options: { ...folderOption, ...filterOptions },
  help: `
Usage: mcp-credential-vault audit show [--user NAME] [--provider NAME] [--since TIME] … [--json]

${filterHelp}
  --folder PATH       the log's folder, instead of the one that the environment names

Shows the lines of all processes in the order of time. With --json, one line of JSON each, as it stands in the log. That somebody looked is
written to the log, except with --folder. To check that the log is genuine, run "audit verify".
`,
  async run(input, terminal) {
    const reading = await openReading(input, terminal, 'show')
    let rows: LogRow[] = []
    let shown = 0
    const flush = () => {
      if (rows.length === 0) return
      terminal.out(table(logColumns, rows))
      shown += rows.length
      rows = []
    }
    for await (const record of reading.lines()) {
      if (input.flag('json')) terminal.out(`${JSON.stringify(record)}\n`)
      else rows.push(logRow(record))
      if (rows.length >= AT_ONCE) flush()
    }
    flush()
    if (shown === 0 && !input.flag('json')) terminal.out('No line of the log matches.\n')
    return 0
  },
}
