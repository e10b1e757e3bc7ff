import type { Command, Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { utf8 } from '../terminal/read-input.ts'
import { csvRows } from './csv-rows.ts'
import { entriesFrom, fieldHelp, fieldOptions } from './entries-from-rows.ts'
import { jsonRows } from './json-rows.ts'
import { readPrivateFile } from './private-file.ts'
import type { ReadRow } from './row.ts'
import { writeEntries, writeHelp, writeOptions } from './write-entries.ts'

export const seed: Command = {
  name: 'seed',
  summary: 'store credentials of many owners, from CSV or JSON lines',
  parameters: [],
  options: { csv: { type: 'string' }, ...fieldOptions, ...writeOptions },
  help: `
Usage: mcp-credential-vault seed [--csv FILE] [--tools MODULE | --type FIELD=TYPE …] [--replace] [--dry-run] [--json]

Stores credentials of users and of machines. Without --csv it reads JSON lines from standard input, one credential per line:
  {"provider":"jira","issuer":"https://login.example.com","subject":"alice","fields":{"pat":"…"}}
A CSV file has the columns provider, issuer and subject, then one for each field. Other users must not be able to read it.
${fieldHelp}${writeHelp}`,
  async run(input, terminal) {
    const file = input.text('csv')
    const rows =
      file === undefined ? await pipedRows(terminal) : csvRows(readPrivateFile(file, '--csv', terminal), file, '--csv')
    return writeEntries(await entriesFrom(rows, input), input, terminal)
  },
}

async function pipedRows({ readInput }: Terminal): Promise<readonly ReadRow[]> {
  if (!readInput) throw new UsageError('pipe JSON lines into it, or name a file with --csv')
  return jsonRows(utf8(await readInput(), 'standard input'), 'standard input')
}
