import { csvLine, csvTitle } from '../../audit/query/csv.ts'
import type { Command } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { folderOption } from './audit-folder.ts'
import { filterHelp, filterOptions } from './log-filter-options.ts'
import { openReading } from './reading.ts'

export const auditExport: Command = {
  name: 'audit export',
  summary: 'export lines of the audit log as JSON or CSV',
  parameters: [],
  options: { ...folderOption, ...filterOptions, format: { type: 'string' } },
  help: `
Usage: mcp-credential-vault audit export --format json|csv [--user NAME] [--provider NAME] [--since TIME] …

${filterHelp}
  --folder PATH       the log's folder, instead of the one that the environment names

json is one array, csv has a title line and follows RFC 4180; a cell that a spreadsheet would take for a formula begins with an apostrophe.
The log records each export, except with --folder.
`,
  async run(input, terminal) {
    const format = input.text('format') ?? 'json'
    if (format !== 'json' && format !== 'csv') throw new UsageError('--format takes json or csv')
    const reading = await openReading(input, terminal, 'export')
    if (format === 'csv') {
      terminal.out(csvTitle())
      for await (const record of reading.lines()) terminal.out(csvLine(record))
      return 0
    }
    let before = '['
    for await (const record of reading.lines()) {
      terminal.out(`${before}\n${JSON.stringify(record)}`)
      before = ','
    }
    terminal.out(before === '[' ? '[]\n' : '\n]\n')
    return 0
  },
}
