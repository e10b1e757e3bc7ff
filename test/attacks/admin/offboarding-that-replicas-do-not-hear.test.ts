import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { openVault } from '../../../src/vault/open-vault.ts'

// The other replicas go on with what they have cached, so whoever offboards must learn that it is not done.
test('an offboarding whose announcement fails does not say that everything is done', async () => {
  const vault = await openVault({
    serverBaseUrl: 'http://localhost',
    identity: localUser({ name: 'alice' }),
    backend: memoryBackend(),
    audit: memoryAudit(),
    warn: () => undefined,
    changeFeed: {
      name: 'redis',
      async publish() {
        throw new CredentialVaultError('unavailable', 'away', { retryable: true })
      },
      listen: async () => undefined,
      close: async () => undefined,
    },
  })
  onTestFinished(() => vault.close())
  const { left } = await vault.offboard({ issuer: 'local-user', subject: 'alice' })
  expect(left).toEqual([{ what: 'caches', error: 'unavailable' }])
})
