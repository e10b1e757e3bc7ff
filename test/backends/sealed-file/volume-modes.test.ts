import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { auditLogUnderTest, resolvedEvent } from '../../harness/audit-log.ts'
import { ALICE, refusesToOpen, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

const VOLUME_GROUP = 1234

/** Sets modes like a volume manager does for the whole volume at each mount, such as Kubernetes for fsGroup. */
async function mountAnew(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) await handToGroup(join(entry.parentPath, entry.name), entry.isDirectory())
  await handToGroup(folder, true)
}

async function handToGroup(path: string, isFolder: boolean): Promise<void> {
  // Only root may give a file to a group that it is not in; the modes are what matters.
  if (process.getuid?.() === 0) await chown(path, 0, VOLUME_GROUP)
  await chmod(path, isFolder ? 0o2775 : 0o664)
}

test('F4: a store on a volume whose modes are set anew at each mount opens at every start', async () => {
  const store = await sealedFolder()
  const first = await store.open()
  await put(first, ALICE, { pat: 'of alice' })
  await first.close()
  for (let start = 2; start <= 3; start += 1) {
    await mountAnew(store.folder)
    store.warnings.length = 0
    const backend = await store.open()
    expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'of alice' } })
    expect((await stat(store.folder)).mode & 0o777).toBe(0o700)
    expect(store.warnings).toEqual([expect.stringContaining('fsGroupChangePolicy: OnRootMismatch')])
    await backend.close()
  }
})

test('F4: an audit log on such a volume is written at every start', async () => {
  const log = await auditLogUnderTest()
  for (let start = 1; start <= 3; start += 1) {
    const warnings: string[] = []
    const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: (message) => warnings.push(message) })
    await audit.open?.(undefined)
    await audit.append(resolvedEvent(`start ${start}`))
    await audit.close()
    expect((await stat(log.folder)).mode & 0o777).toBe(0o700)
    expect(warnings).toEqual(start === 1 ? [] : [expect.stringContaining('fsGroupChangePolicy: OnRootMismatch')])
    await mountAnew(log.folder)
  }
  expect(await log.verdict()).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})

test('F4: on a volume of somebody else the message says to name a folder inside it, not what cannot be done', async () => {
  const store = await sealedFolder()
  await mkdir(store.folder)
  await writeFile(join(store.folder, 'lost+found'), '')
  await mountAnew(store.folder)
  const me = process.getuid?.() ?? 0
  const uid = vi.spyOn(process, 'getuid').mockReturnValue(me + 1)
  const error = await refusesToOpen(store, {}, { code: 'configuration_invalid', reason: 'folder_writable' })
  uid.mockRestore()
  expect(error.message).toContain('name a folder inside it in MCP_VAULT_FOLDER')
  expect(error.message).not.toContain('chmod')
})
