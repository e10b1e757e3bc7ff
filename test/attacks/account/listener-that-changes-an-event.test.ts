import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

const ALICE = { issuer: 'https://login.example.com', subject: 'alice' }
let vault: CredentialVault
const backend = memoryBackend()
let down = false
beforeAll(async () => {
  const failing = {
    ...backend,
    revoke: async (...given: Parameters<typeof backend.revoke>) => {
      if (down) throw new CredentialVaultError('unavailable', 'The store is down.')
      return backend.revoke(...given)
    },
  }
  vault = await openVault({
    serverBaseUrl: 'http://localhost:8005',
    backend: failing,
    audit: memoryAudit(),
    warn: () => {},
  })
  new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token', type: 'password' } } })
})
afterAll(() => vault.close())

test('a listener that empties `left` does not make an offboarding look finished', async () => {
  await put(backend, storageKey('jira', ALICE), { pat: 'tok-of-alice' })
  down = true
  const off = vault.events.on('offboarded', ({ left }) => void (left as unknown[]).splice(0))
  const { left } = await vault.offboard(ALICE)
  off()
  down = false
  expect(left).toMatchObject([{ what: 'credential', provider: 'jira' }])
}, 60_000)

test('one listener does not change what another gets', async () => {
  await put(backend, storageKey('jira', ALICE), { pat: 'tok-of-alice' })
  const seen: string[] = []
  const offs = [
    vault.events.on('revoked', (event) => void Object.assign(event.owner, { subject: 'bob' })),
    vault.events.on('revoked', ({ owner }) => void seen.push(owner.subject)),
  ]
  const done = await vault.offboard(ALICE)
  await new Promise((resolve) => setTimeout(resolve, 20))
  for (const off of offs) off()
  expect(seen).toEqual(['alice'])
  expect(done).toMatchObject({ ...ALICE, credentials: [{ provider: 'jira', result: 'revoked' }] })
})
