import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, listSegments } from '../segments/segment-ends.ts'
import { segmentLines } from '../segments/segment-lines.ts'
import { type LogRecord, readLogRecord } from './log-record.ts'

interface Open {
  readonly lines: Iterator<LogRecord>
  next: LogRecord
}

/**
 * Merges the lines of all writers in order of time. Each file is opened only when its first line is due, so that memory does not grow with
 * the number or length of files. Unreadable lines are skipped and reported to `unreadable`.
 */
export async function* mergedLines(
  folder: string,
  { since, unreadable = () => {} }: { readonly since?: Date | undefined; readonly unreadable?: () => void } = {},
): AsyncGenerator<LogRecord> {
  const waiting = [...(await listSegments(folder))]
  const open: Open[] = []
  for (;;) {
    let earliest = earliestOf(open)
    for (let name = waiting[0]; name; name = waiting[0]) {
      // A name is exact to the second only, and the first line may have waited for its file to be created.
      if (earliest && name.begun.getTime() - 60_000 > Date.parse(earliest.next.at)) break
      waiting.shift()
      const path = join(folder, name.file)
      if (since && (await changedAt(path)) < since) continue
      const lines = records(path, unreadable)
      const first = lines.next()
      if (first.done !== true) open.push({ lines, next: first.value })
      earliest = earliestOf(open)
    }
    if (!earliest) return
    yield earliest.next
    const following = earliest.lines.next()
    if (following.done === true) open.splice(open.indexOf(earliest), 1)
    else earliest.next = following.value
  }
}

function* records(path: string, unreadable: () => void): Generator<LogRecord, undefined> {
  try {
    for (const { bytes, ended } of segmentLines(path)) {
      const record = ended ? readLogRecord(bytes) : undefined
      if (record) yield record
      else unreadable()
    }
  } catch (error) {
    // The file has expired and was removed.
    if (!isMissing(error)) throw error
  }
}

async function changedAt(path: string): Promise<Date> {
  return stat(path).then(
    ({ mtime }) => mtime,
    () => new Date(0),
  )
}

function earliestOf(open: readonly Open[]): Open | undefined {
  return open.reduce<Open | undefined>((best, one) => (!best || isBefore(one.next, best.next) ? one : best), undefined)
}

function isBefore(a: LogRecord, b: LogRecord): boolean {
  return a.at < b.at || (a.at === b.at && a.w === b.w && a.seq < b.seq)
}
