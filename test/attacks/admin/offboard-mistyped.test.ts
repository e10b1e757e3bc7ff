import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { createStores } from '../../../src/vault/environment/create-stores.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

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

test('a choice inside the owner, and one of an account, is refused before anything is done', async () => {
  const backend = memoryBackend()
  const vault = await openVault({
    serverBaseUrl: 'http://localhost:8005',
    backend,
    audit: memoryAudit(),
    warn: () => {},
  })
  onTestFinished(() => vault.close())
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  const jira = new CredentialsProvider({ vault, name: 'jira', accounts: ['work'], variables })
  await put(backend, storageKey('jira', ALICE), { pat: 'tok-of-alice' })
  const refused = { code: 'configuration_invalid', reason: 'option' }
  await expect(vault.offboard({ ...ALICE, dryRun: true } as never)).rejects.toMatchObject(refused)
  await expect(vault.offboard(ALICE, { providers: ['Jira'] })).rejects.toMatchObject(refused)
  const mistyped = { acount: 'work' } as never
  await expect(jira.invalidateCredentials(ALICE, undefined, mistyped)).rejects.toMatchObject(refused)
  expect(() => jira.getCredentials({} as never, mistyped)).toThrow('acount: there is no such option')
  expect(await backend.stat(storageKey('jira', ALICE), call())).toMatchObject({ status: 'active' })
  expect(() => createStores({}, { creat: false } as never)).toThrow('createStores.creat: there is no such option')
})
