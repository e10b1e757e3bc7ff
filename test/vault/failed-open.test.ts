import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { auditKeys, importPublicKey } from '../../src/audit/line/audit-keys.ts'
import { memoryAudit } from '../../src/audit/memory.ts'
import { verifyLog } from '../../src/audit/verify/verify-log.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText, parseKey } from '../../src/core/crypto/key-text.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { temporaryFolder } from '../harness/sealed-file/sealed-folder.ts'

test('a vault that cannot be opened closes the audit log that it began', async () => {
  const folder = await temporaryFolder()
  const key = generateKeyText()
  const audit = jsonLinesAudit({ folder: join(folder, 'audit'), key })
  // The new store's key has its line by the time when this fails.
  const backend = {
    ...sealedFile({ folder: join(folder, 'data'), key: generateKeyText() }),
    announceServer: async () => {
      throw new Error('no socket')
    },
  }
  const opening = openVault({ serverBaseUrl: 'http://localhost:8005', backend, audit, warn: () => undefined })
  await expect(opening).rejects.toThrow('no socket')
  const publicKey = importPublicKey(auditKeys(parseKey(key, 'test')).publicKey)
  if (!publicKey) throw new Error('the key is none')
  const report = await verifyLog({ folder: join(folder, 'audit'), keys: [publicKey] })
  expect(report).toMatchObject({ completeness: 'complete', writers: [{ state: 'closed' }] })
  expect(report.lines).toBeGreaterThan(1)
})

test('a vault that cannot be opened shuts the pending store that it was given', async () => {
  const pendingStore = memoryPendingStore()
  const shutdown = vi.spyOn(pendingStore, 'shutdown')
  for (const fault of ['open', 'announceServer'] as const) {
    const backend = { ...memoryBackend(), [fault]: () => Promise.reject(new Error('no socket')) }
    const parts = { backend, pendingStore, audit: memoryAudit(), warn: () => undefined }
    await expect(openVault({ serverBaseUrl: 'http://localhost:8005', ...parts })).rejects.toThrow()
  }
  expect(shutdown).toHaveBeenCalledTimes(2)
})

test('a vault that is closed twice closes each of its parts once', async () => {
  const parts = { backend: memoryBackend(), pendingStore: memoryPendingStore(), audit: memoryAudit() }
  const closed = [
    vi.spyOn(parts.backend, 'close'),
    vi.spyOn(parts.pendingStore, 'shutdown'),
    vi.spyOn(parts.audit, 'close'),
  ]
  const vault = await openVault({ serverBaseUrl: 'http://localhost:8005', ...parts, warn: () => undefined })
  await Promise.all([vault.close(), vault.close()])
  await vault.close()
  for (const spy of closed) expect(spy).toHaveBeenCalledTimes(1)
})
