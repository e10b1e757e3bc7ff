import { setTimeout as delay } from 'node:timers/promises'
import { followLines, lastLines } from '../../audit/query/last-lines.ts'
import type { Command } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { cell, table } from '../terminal/table.ts'
import { folderOption } from './audit-folder.ts'
import { filterHelp, filterOptions } from './log-filter-options.ts'
import { logColumns, logRow } from './log-table.ts'
import { openReading } from './reading.ts'

const POLL = 500

export const auditTail: Command = {
  name: 'audit tail',
  summary: 'show the last lines of the audit log, and new ones as they come',
  parameters: [],
  options: {
    ...folderOption,
    ...filterOptions,
    lines: { type: 'string', short: 'n' },
    follow: { type: 'boolean', short: 'f' },
  },
  help: `
Usage: mcp-credential-vault audit tail [-n LINES] [--follow] [--user NAME] [--provider NAME] … [--json]

  -n, --lines LINES   how many, 1 to 10000; default 20
  -f, --follow        go on with new lines until interrupted
${filterHelp}
  --folder PATH       the log's folder, instead of the one that the environment names
`,
  async run(input, terminal) {
    const count = Number(input.text('lines') ?? '20')
    if (!Number.isInteger(count) || count < 1 || count > 10_000) throw new UsageError('--lines takes 1 to 10000')
    const { folder, matches } = await openReading(input, terminal, 'tail')
    const follow = input.flag('follow') ? await followLines(folder) : undefined
    const last = await lastLines(folder, count, matches)
    if (input.flag('json')) for (const record of last) terminal.out(`${JSON.stringify(record)}\n`)
    else terminal.out(table(logColumns, last.map(logRow)))
    const known = new Set(last.map(({ id }) => id))
    while (follow && !terminal.ended?.aborted) {
      await delay(POLL, undefined, terminal.ended ? { signal: terminal.ended } : {}).catch(() => {})
      for (const record of (await follow()).filter((one) => matches(one) && !known.has(one.id))) {
        const row = logRow(record)
        const text = logColumns
          .map((column) => cell(row[column]))
          .join('  ')
          .trimEnd()
        terminal.out(`${input.flag('json') ? JSON.stringify(record) : text}\n`)
      }
    }
    return 0
  },
}
