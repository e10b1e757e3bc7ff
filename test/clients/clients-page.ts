import type { Row, Walk } from './walk.ts'

const HEAD = [
  '| client | version | server | MCP | asked by | shown | calls | next |',
  '|---|---|---|---|---|---|---|---|',
] as const
export const START = '<!-- walks -->'
export const END = '<!-- /walks -->'

/** The part of docs/clients.md that `npm run docs:clients` writes: a table for each heading, and what users were shown. */
export function walksPart(rows: Readonly<Record<string, readonly Row[]>>): string {
  const shown = [...new Set(Object.values(rows).flatMap((some) => some.map((row) => row.shown)))].filter(Boolean)
  const tables = Object.entries(rows).map(
    ([heading, some]) => `### ${heading}\n\n${[...HEAD, ...some.map((row) => lineOf(row, shown))].join('\n')}`,
  )
  const list = shown.flatMap((text, at) => wrapped(`${at + 1}. “${text}”`))
  return [...tables, `### What users are shown\n\n${list.join('\n')}`].join('\n\n')
}

export function withWalks(page: string, rows: Readonly<Record<string, readonly Row[]>>): string {
  const [start, end] = bounds(page)
  return `${page.slice(0, start)}\n\n${walksPart(rows)}\n\n${page.slice(end)}`
}

/** The row as a line of the page, whose list of what users were shown it refers to. */
export function lineOn(page: string, row: Row): string {
  return lineOf(row, shownOn(page))
}

/** The lines of all tables, each without what only a run can tell. */
export function walksOn(page: string): string[] {
  const part = page.slice(...bounds(page))
  const lines = part.split('\n').filter((line) => line.startsWith('| ') && line !== HEAD[0])
  return lines.map((line) => line.split(' | ').slice(0, 3).join(' | '))
}

/** Begins the line of a walk on the page. */
export function beginOf({ client, version, server }: Pick<Walk, 'client' | 'version' | 'server'>): string {
  return `| ${client} | ${version} | ${server}`
}

function lineOf(row: Row, shown: readonly string[]): string {
  const { revision, asked, calls, next } = row
  const at = row.shown === '' ? 'nothing' : `[${shown.indexOf(row.shown) + 1}](#what-users-are-shown)`
  return `${beginOf(row)} | ${revision} | ${asked} | ${at} | ${calls} | ${next} |`
}

function shownOn(page: string): string[] {
  const part = page.slice(...bounds(page))
  return [...part.matchAll(/^\d+\. “([^”]+)”$/gm)].map(([, text = '']) => text.replace(/\n +/g, ' '))
}

function bounds(page: string): [number, number] {
  const start = page.indexOf(START)
  const end = page.indexOf(END)
  if (start < 0 || end < start) throw new Error(`docs/clients.md has lost ${START} or ${END}`)
  return [start + START.length, end]
}

const WIDTH = 138

/** An item of a list, in lines that are not too long. */
function wrapped(item: string): string[] {
  const lines = ['']
  for (const word of item.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line.length + word.length >= WIDTH) lines.push(`   ${word}`)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
