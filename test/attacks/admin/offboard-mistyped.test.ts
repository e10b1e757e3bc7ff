import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { openVault } from '../../../src/vault/open-vault.ts'

const ALICE = { issuer: 'https://login.example.com', subject: 'alice' }

test.each([{ dryrun: true }, { dryRun: 'true', purge: 'false' }, { 'dry-run': true }])(
  'vault.offboard refuses choices that it does not know: %j',
  async (choices) => {
    const backend = memoryBackend()
    const vault = await openVault({
      serverBaseUrl: 'http://localhost:8005',
      backend,
      audit: memoryAudit(),
      warn: () => {},
    })
    onTestFinished(() => vault.close())
    await put(backend, storageKey('jira', ALICE), { pat: 'tok-of-alice' })
    const done = await vault.offboard(ALICE, choices as never).catch((error: { code?: string }) => error.code)
    expect(await backend.stat(storageKey('jira', ALICE), call())).toMatchObject({ status: 'active' })
    expect(done).toBe('configuration_invalid')
  },
)
