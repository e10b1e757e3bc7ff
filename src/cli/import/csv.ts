import { csvRows } from '../provision/csv-rows.ts'
import { entriesFrom, fieldHelp, fieldOptions } from '../provision/entries-from-rows.ts'
import { readPrivateFile } from '../provision/private-file.ts'
import { writeEntries, writeHelp, writeOptions } from '../provision/write-entries.ts'
import type { Command } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'

export const importCsv: Command = {
  name: 'import csv',
  summary: 'import a CSV file of another tool',
  parameters: [],
  options: {
    file: { type: 'string' },
    provider: { type: 'string' },
    issuer: { type: 'string' },
    ...fieldOptions,
    ...writeOptions,
  },
  help: `
Usage: mcp-credential-vault import csv --file FILE [--provider NAME] [--issuer URL] [--tools MODULE | --type FIELD=TYPE …]
         [--replace] [--dry-run] [--json]

Imports a CSV file whose first line names the columns: subject, one for each field, and provider and issuer unless an option gives them.
Other users must not be able to read it. Delete it afterwards.
${fieldHelp}${writeHelp}`,
  async run(input, terminal) {
    const file = input.text('file')
    if (file === undefined) throw new UsageError('--file is required: it names the CSV file')
    const defaults = { provider: input.text('provider'), issuer: input.text('issuer') }
    const rows = csvRows(readPrivateFile(file, '--file', terminal), file, '--file', defaults)
    return writeEntries(await entriesFrom(rows, input), input, terminal)
  },
}
