import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

// A Proxy may not answer with another function than a frozen target has.
test('parts that their authors froze work, since nobody may change it', async () => {
  const vault = await openVault({
    serverBaseUrl: 'http://127.0.0.1:1',
    backend: Object.freeze(memoryBackend()),
    audit: Object.freeze(memoryAudit()),
    pendingStore: Object.freeze(memoryPendingStore()),
    warn: () => undefined,
  })
  onTestFinished(() => vault.close())
  const jira = new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token' } } })
  await expect(jira.invalidateCredentials({ issuer: 'local-user', subject: 'alice' })).resolves.not.toThrow()
})
