import { EVENT_CATALOGUE } from '../src/audit/line/event-catalogue.ts'

/** The table of events in docs/audit.md. `npm run docs:audit` puts it there; a test says when it is stale. */
export function eventTable(): string {
  const rows = Object.entries(EVENT_CATALOGUE).map(([type, when]) => `| \`${type}\` | ${when} |`)
  return ['| type | written when |', '|---|---|', ...rows].join('\n')
}

export const START = '<!-- events -->'
export const END = '<!-- /events -->'

export function withEventTable(page: string): string {
  const start = page.indexOf(START)
  const end = page.indexOf(END)
  if (start < 0 || end < start) throw new Error(`docs/audit.md has lost ${START} or ${END}`)
  return `${page.slice(0, start + START.length)}\n\n${eventTable()}\n\n${page.slice(end)}`
}
