import { providersOf } from '../operator/load-tools.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { utf8 } from '../terminal/read-input.ts'
import { checkedRows, type Entry, typesFrom } from './checked-rows.ts'
import { csvRows } from './csv-rows.ts'
import { jsonRows } from './json-rows.ts'
import { readPrivateFile } from './private-file.ts'
import type { ReadRow } from './row.ts'
import { writeEntries, writeHelp, writeOptions } from './write-entries.ts'

export const fieldOptions = { tools: { type: 'string' }, type: { type: 'string', multiple: true } } as const

export const fieldHelp = `
  --tools MODULE      check fields as the forms of this module's providers do; the module is run, and nothing is served
  --type FIELD=TYPE   without --tools: string, password, url or textarea; may be repeated. Default password: one line
`

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

/** Checks rows with what the options say about fields. */
export async function entriesFrom(rows: readonly ReadRow[], input: CommandInput): Promise<readonly Entry[]> {
  const module = input.text('tools')
  const types = typesFrom(input)
  if (module !== undefined && types.size > 0)
    throw new UsageError('--tools knows the types of fields; leave --type out')
  const providers = module === undefined ? undefined : await providersOf(module)
  return checkedRows(rows, { providers, types })
}
