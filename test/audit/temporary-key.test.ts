import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { createJsonLines } from '../../src/audit/json-lines.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'

let folder: string
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'temporary-key-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  folder = join(root, 'audit')
})

const log = (key?: string, maxSegmentBytes = 65_536) =>
  createJsonLines({ folder, maxSegmentBytes, warn: () => {}, ...(key !== undefined && { key }) })

/** What one process writes from its start to its end. */
async function written(key?: string, lines = 1): Promise<void> {
  const audit = log(key)
  await audit.open?.(undefined)
  for (let i = 0; i < lines; i += 1)
    await audit.append({ type: 'login.ended', outcome: 'success', correlationId: 'test' })
  await audit.close()
}

const REFUSAL = {
  code: 'configuration_invalid',
  reason: 'audit_key_missing',
  message: expect.stringMatching(/audit is signed with a key .*MCP_AUDIT_KEY_FILE.*MCP_AUDIT_FOLDER/),
}

test('a process with a temporary key writes nothing beside the log of a key', async () => {
  await written(generateKeyText())
  const before = readdirSync(folder)
  const opening = log()
  await expect(opening.open?.(undefined)).rejects.toMatchObject(REFUSAL)
  await opening.close()
  // A command opens its log with the first line.
  const command = log()
  await expect(
    command.append({ type: 'login.ended', outcome: 'success', correlationId: 'test' }),
  ).rejects.toMatchObject(REFUSAL)
  await command.close()
  expect(readdirSync(folder)).toEqual(before)
})

test('a development server is started again beside files of temporary keys, of several parts each', async () => {
  await written(undefined, 500)
  expect(readdirSync(folder).length).toBeGreaterThan(1)
  await written()
  // The key that comes later is not refused, and then the next temporary one is.
  await written(generateKeyText())
  await expect(written()).rejects.toMatchObject(REFUSAL)
})

test('a file whose process died at its first line does not keep a development server from starting', async () => {
  await written()
  writeFileSync(join(folder, 'audit-2026-01-01T00-00-00Z-0123456789abcdef-0001.jsonl'), '', { mode: 0o600 })
  await written()
  const [other = ''] = readdirSync(folder).filter((name) => name.includes('0123456789abcdef'))
  appendFileSync(join(folder, other), '{"at":"2026')
  await written()
})

test('a process that serves goes on when a log with a key begins beside it', async () => {
  const serving = log()
  await serving.open?.(undefined)
  await written(generateKeyText())
  for (let i = 0; i < 500; i += 1)
    await serving.append({ type: 'login.ended', outcome: 'success', correlationId: 'test' })
  await serving.close()
})
