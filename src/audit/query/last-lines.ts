import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, listSegments } from '../segments/segment-ends.ts'
import { segmentLines } from '../segments/segment-lines.ts'
import { type LogRecord, readLogRecord } from './log-record.ts'

/** Returns the last `count` matching lines of all files, in order of time. Skips files that are too old to hold one. */
export async function lastLines(
  folder: string,
  count: number,
  matches: (record: LogRecord) => boolean,
): Promise<readonly LogRecord[]> {
  const files = await Promise.all(
    (await listSegments(folder)).map(async ({ file }) => ({
      file,
      changed: (await stat(join(folder, file)).catch(() => undefined))?.mtime ?? new Date(0),
    })),
  )
  files.sort((a, b) => b.changed.getTime() - a.changed.getTime())
  let last: LogRecord[] = []
  for (const { file, changed } of files) {
    const [oldest] = last
    if (oldest && last.length >= count && changed.toISOString() < oldest.at) break
    last = [...last, ...lastOf(join(folder, file), count, matches)].sort(byTime).slice(-count)
  }
  return last
}

function lastOf(path: string, count: number, matches: (record: LogRecord) => boolean): readonly LogRecord[] {
  let found: LogRecord[] = []
  try {
    for (const { bytes, ended } of segmentLines(path)) {
      const record = ended ? readLogRecord(bytes) : undefined
      if (record && matches(record)) found.push(record)
      if (found.length > 2 * count) found = found.slice(-count)
    }
  } catch (error) {
    // The file has expired and was removed.
    if (!isMissing(error)) throw error
  }
  return found.slice(-count)
}

/** Returns a function that reads the complete lines written since its last call, also those in new files. */
export async function followLines(folder: string): Promise<() => Promise<readonly LogRecord[]>> {
  const read = new Map<string, number>()
  for (const { file } of await listSegments(folder)) read.set(file, (await stat(join(folder, file))).size)
  return async () => {
    const records: LogRecord[] = []
    for (const { file } of await listSegments(folder)) {
      const start = read.get(file) ?? 0
      const bytes = await readFrom(join(folder, file), start).catch(() => Buffer.alloc(0))
      const end = bytes.lastIndexOf(0x0a) + 1
      read.set(file, start + end)
      const lines = bytes.subarray(0, end).toString('utf8').split('\n')
      records.push(...lines.flatMap((line) => readLogRecord(Buffer.from(line)) ?? []))
    }
    return records.sort(byTime)
  }
}

async function readFrom(path: string, start: number): Promise<Buffer> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    if (size <= start) return Buffer.alloc(0)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

function byTime(a: LogRecord, b: LogRecord): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  return a.w === b.w ? a.seq - b.seq : 0
}
