import {
  type FileHandle,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import type { JsonLinesAuditOptions } from '../../src/audit/json-lines-options.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import type { AuditEvent } from '../../src/core/ports/audit-sink.ts'

const key = generateKeyText()

let base: string
let folder: string

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'audit-'))
  folder = join(base, 'logs', 'audit')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(base, { recursive: true, force: true })
})

function event(correlationId: string): AuditEvent {
  return { type: 'credential.resolved', outcome: 'success', provider: 'jira', correlationId }
}

function openLog(options: Partial<JsonLinesAuditOptions> = {}) {
  return jsonLinesAudit({ folder, key, warn: () => {}, ...options })
}

interface Line {
  readonly w: string
  readonly type: string
  readonly seq: number
  readonly correlationId: string
}

async function readLines(name: string): Promise<readonly Line[]> {
  const text = await readFile(join(folder, name), 'utf8')
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

/** The lines written on behalf of other components, without the log's own. */
function events(lines: readonly Line[]): readonly string[] {
  return lines.filter(({ type }) => !type.startsWith('audit.')).map(({ correlationId }) => correlationId)
}

async function onlyFile(): Promise<string> {
  const names = await readdir(folder)
  expect(names).toHaveLength(1)
  return names[0] ?? ''
}

/** The class of every file handle, where a test makes the disk fail. */
async function handles(): Promise<FileHandle> {
  const handle = await open(base, 'r')
  await handle.close()
  return Object.getPrototypeOf(handle)
}

type PartialWrite = (this: FileHandle, bytes: Uint8Array, offset: number, length: number) => Promise<unknown>

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: /secret/path`), { code })
}

test('nothing is made before the first line; then a file for this user alone', async () => {
  const audit = openLog()
  expect(await readdir(base)).toEqual([])
  const position = await audit.append(event('a'))
  const name = await onlyFile()
  expect(name).toMatch(/^audit-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{16}-0001\.jsonl$/)
  expect(name).toContain(position.writer)
  expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  expect((await stat(join(base, 'logs'))).mode & 0o777).toBe(0o700)
  await audit.close()
})

test('each line says the position that was acknowledged, in one order without gaps', async () => {
  const audit = openLog()
  const positions = await Promise.all(Array.from({ length: 200 }, (_, i) => audit.append(event(`n${i}`))))
  await audit.close()
  const lines = await readLines(await onlyFile())
  expect(lines.map(({ seq }) => seq)).toEqual(Array.from({ length: 202 }, (_, i) => i + 1))
  expect([lines[0]?.type, lines.at(-1)?.type]).toEqual(['audit.opened', 'audit.closed'])
  for (const [i, { writer, seq }] of positions.entries()) {
    expect(lines[seq - 1]).toMatchObject({ w: writer, correlationId: `n${i}` })
  }
})

test('an append is acknowledged after fdatasync, and those that wait go out together', async () => {
  const audit = openLog()
  await audit.append(event('first'))
  const prototype = await handles()
  const datasync = prototype.datasync
  const order: string[] = []
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const spy = vi.spyOn(prototype, 'datasync').mockImplementation(async function (this: FileHandle) {
    await held
    await datasync.call(this)
    order.push('synced')
  })
  const append = (name: string) => audit.append(event(name)).then(() => order.push('acknowledged'))
  const appends = [append('alone')]
  await expect.poll(() => spy.mock.calls.length).toBe(1)
  appends.push(...Array.from({ length: 49 }, (_, i) => append(`n${i}`)))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(order).toEqual([])
  release()
  await Promise.all(appends)
  expect(spy).toHaveBeenCalledTimes(2)
  expect(order).toEqual(['synced', 'acknowledged', 'synced', ...Array(49).fill('acknowledged')])
  await audit.close()
})

test('short writes are carried on', async () => {
  const prototype = await handles()
  const write: PartialWrite = prototype.write
  vi.spyOn(prototype, 'write').mockImplementation(async function (this: FileHandle, ...args: unknown[]) {
    const [bytes, offset] = args as [Uint8Array, number]
    return write.call(this, bytes, offset, Math.min(7, bytes.length - offset))
  } as never)
  const audit = openLog()
  await Promise.all([audit.append(event('a')), audit.append(event('b')), audit.append(event('c'))])
  await audit.close()
  expect(events(await readLines(await onlyFile()))).toEqual(['a', 'b', 'c'])
})

test('a full disk refuses exactly that batch, leaves no half line, and the numbers go on', async () => {
  const audit = openLog()
  await audit.append(event('before'))
  const prototype = await handles()
  const write: PartialWrite = prototype.write
  const spy = vi.spyOn(prototype, 'write').mockImplementation(async function (this: FileHandle, ...args: unknown[]) {
    const [bytes, offset] = args as [Uint8Array, number]
    if (offset > 0) throw systemError('ENOSPC')
    return write.call(this, bytes, offset, 20)
  } as never)
  const refused = await audit.append(event('refused')).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'audit_unavailable', reason: 'disk_full', retryable: true })
  expect(String(refused)).not.toContain('/secret/path')
  spy.mockRestore()
  expect(await audit.append(event('after'))).toMatchObject({ seq: 3 })
  await audit.close()
  expect(events(await readLines(await onlyFile()))).toEqual(['before', 'after'])
})

test('after an fsync error nothing more is written through that descriptor', async () => {
  const audit = openLog()
  const first = await audit.append(event('before'))
  const spy = vi.spyOn(await handles(), 'datasync').mockRejectedValueOnce(systemError('EIO'))
  await expect(audit.append(event('refused'))).rejects.toMatchObject({
    code: 'audit_unavailable',
    reason: 'write_failed',
  })
  const second = await audit.append(event('after'))
  expect(spy).toHaveBeenCalledTimes(2)
  expect(second.writer).not.toBe(first.writer)
  // After audit.opened and audit.writer_failed.
  expect(second.seq).toBe(3)
  await audit.close()
  const names = await readdir(folder)
  const all = await Promise.all(names.map(readLines))
  expect([...events(all.flat())].sort()).toEqual(['after', 'before'])
})

test('a disk that fails for long leaves no heap of empty files', async () => {
  const spy = vi.spyOn(await handles(), 'datasync').mockRejectedValue(systemError('EIO'))
  const audit = openLog()
  for (let i = 0; i < 20; i += 1)
    await expect(audit.append(event('x'))).rejects.toMatchObject({ reason: 'write_failed' })
  expect((await readdir(folder)).length).toBeLessThanOrEqual(1)
  spy.mockRestore()
  await audit.append(event('after'))
  await audit.close()
  expect(events(await readLines(await onlyFile()))).toEqual(['after'])
})

test('a folder that cannot be made refuses, and is tried again', async () => {
  await writeFile(join(base, 'logs'), '')
  const audit = openLog()
  await expect(audit.append(event('a'))).rejects.toMatchObject({ code: 'audit_unavailable', reason: 'write_failed' })
  await unlink(join(base, 'logs'))
  await audit.append(event('b'))
  await audit.close()
})

test.each<[string, (path: string) => Promise<unknown>]>([
  ['deleted', (path) => unlink(path)],
  ['moved away', (path) => rename(path, `${path}.1`)],
  ['replaced', async (path) => [await unlink(path), await writeFile(path, 'other')]],
  ['truncated', (path) => truncate(path, 3)],
  ['added to', (path) => writeFile(path, 'x', { flag: 'a' })],
])('a file that was %s is noticed before the next line is acknowledged, and a new one is begun', async (_, harm) => {
  const warnings: string[] = []
  const audit = openLog({ warn: (message) => warnings.push(message) })
  const first = await audit.append(event('a'))
  const name = await onlyFile()
  await harm(join(folder, name))
  const second = await audit.append(event('b'))
  expect(second.writer).not.toBe(first.writer)
  expect(warnings).toEqual([expect.stringContaining(name)])
  await audit.close()
  const begun = (await readdir(folder)).find((one) => one.includes(second.writer)) ?? ''
  expect(await readLines(begun)).toMatchObject([
    { type: 'audit.opened' },
    { type: 'audit.writer_failed', failedWriter: first.writer, lastSeq: first.seq },
    { seq: 3, correlationId: 'b' },
    { type: 'audit.closed' },
  ])
})

test('close waits for what was appended; then every append is refused', async () => {
  const audit = openLog()
  const appends = Promise.all(Array.from({ length: 20 }, (_, i) => audit.append(event(`n${i}`))))
  await audit.close()
  await audit.close()
  await appends
  expect(events(await readLines(await onlyFile()))).toHaveLength(20)
  await expect(audit.append(event('late'))).rejects.toMatchObject({ code: 'audit_unavailable', reason: 'closed' })
})

test('a log that hangs refuses further lines instead of keeping them all', async () => {
  const prototype = await handles()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  vi.spyOn(prototype, 'datasync').mockImplementation(() => held)
  const audit = openLog()
  const appends = Array.from({ length: 10_000 }, (_, i) => audit.append(event(`n${i}`)))
  await expect(audit.append(event('too many'))).rejects.toMatchObject({ reason: 'overloaded' })
  release()
  await Promise.all(appends)
  await audit.close()
})

test('an event with a field that lines do not have reaches no file', async () => {
  const audit = openLog()
  const wrong = { ...event('a'), pat: 'secret' }
  await expect(audit.append(wrong)).rejects.toThrow(TypeError)
  await audit.close()
  expect(await readdir(base)).toEqual([])
})

test('wrong options are refused by name', () => {
  expect(() => jsonLinesAudit({ folder: '' })).toThrow(/jsonLinesAudit\.folder/)
})
