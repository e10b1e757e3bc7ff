import { chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { list } from '../../../src/cli/credentials/list.ts'
import { revoke } from '../../../src/cli/credentials/revoke.ts'
import { rotate } from '../../../src/cli/credentials/rotate.ts'
import { runCommand, type Terminal } from '../../../src/cli/terminal/command.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { resolvedEvent } from '../../harness/audit-log.ts'
import { ALICE, sealedFolder, temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const REFUSED = { code: 'configuration_invalid', reason: 'folder_writable' }

async function writableFolder(mode: number): Promise<string> {
  const folder = join(await temporaryFolder(), 'audit')
  await mkdir(folder)
  await chmod(folder, mode)
  return folder
}

const auditIn = (folder: string) => jsonLinesAudit({ folder, key: generateKeyText(), warn: () => {} })

test.each([0o777, 0o1777, 0o707, 0o702])(
  'an audit folder that everyone may write to is refused (mode %o)',
  async (mode) => {
    const folder = await writableFolder(mode)
    const audit = auditIn(folder)
    const opening = openVault({
      serverBaseUrl: 'http://localhost:8005',
      backend: memoryBackend(),
      audit,
      warn: () => {},
    })
    await expect(opening).rejects.toMatchObject({ ...REFUSED, message: expect.stringContaining(`chmod 700 ${folder}`) })
    expect(await readdir(folder)).toEqual([])
    expect((await stat(folder)).mode & 0o7777).toBe(mode)
  },
)

test('a log that nobody opened refuses its lines there, and takes them when the folder is right again', async () => {
  const folder = await writableFolder(0o777)
  const audit = auditIn(folder)
  await expect(audit.append(resolvedEvent('early'))).rejects.toMatchObject({
    code: 'audit_unavailable',
    reason: 'write_failed',
    message: expect.stringContaining('chmod 700'),
  })
  expect(await readdir(folder)).toEqual([])
  await chmod(folder, 0o700)
  await expect(audit.append(resolvedEvent('later'))).resolves.toMatchObject({ seq: 2 })
  await audit.close()
})

test('a folder of somebody else that its group may write to is refused, with what helps on a shared volume', async () => {
  const folder = await writableFolder(0o2775)
  const me = process.getuid?.() ?? 0
  const uid = vi.spyOn(process, 'getuid').mockReturnValue(me + 1)
  const opening = auditIn(folder).open?.(undefined)
  await expect(opening).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringMatching(/name a folder inside it in MCP_AUDIT_FOLDER/),
  })
  uid.mockRestore()
})

test('such a folder keeps no operator from revoking, and keeps everything else from being shown', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  const folder = await writableFolder(0o777)
  const printed: string[] = []
  const terminal: Terminal = {
    out: (text) => void printed.push(text),
    error: (text) => void printed.push(text),
    environment: { MCP_VAULT_FOLDER: store.folder, MCP_VAULT_KEY: store.key, MCP_AUDIT_FOLDER: folder },
    readSecret: async () => 'another',
  }
  const owner = ['--issuer', ALICE.owner.issuer, '--subject', ALICE.owner.subject]
  expect(await runCommand(list, [], terminal)).toBe(1)
  expect(await runCommand(rotate, ['jira', ...owner], terminal)).toBe(1)
  expect(printed.join('')).not.toContain('Rotated')
  expect(await runCommand(revoke, ['jira', ...owner], terminal)).toBe(0)
  expect(printed.join('')).toContain('Revoked jira for alice')
  expect(printed.join('')).toContain(`chmod 700 ${folder}`)
  expect(printed.join('')).toContain('not in the audit log yet: credential.revoked jira')
  expect(await readdir(folder)).toEqual([])
})

test('a folder that others may only read is used as it is', async () => {
  const folder = await writableFolder(0o755)
  const audit = auditIn(folder)
  await audit.open?.(undefined)
  await audit.append(resolvedEvent('a'))
  await audit.close()
  expect((await stat(folder)).mode & 0o777).toBe(0o755)
})
