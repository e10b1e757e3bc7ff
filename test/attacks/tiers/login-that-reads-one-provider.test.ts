import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { openFormTierVault } from '../../../src/vault/tier-vaults.ts'

/** A login whose policy has one rule left from before the split, such as `path "secret/data/mcp/jira/*" { capabilities = ["read"] }`. */
function readsOnly(provider: string): SecretBackend {
  const backend = memoryBackend()
  return {
    ...backend,
    async read(key, call) {
      if (key.provider === provider) return backend.read(key, call)
      throw new CredentialVaultError('forbidden', 'permission denied', { reason: 'policy' })
    },
  }
}

test('a form tier whose login may read the credentials of one of its providers does not serve them', async () => {
  const vault = await openFormTierVault({
    serverBaseUrl: 'http://localhost',
    identity: localUser({ name: 'alice' }),
    backend: readsOnly('jira'),
    audit: memoryAudit(),
    warn: () => undefined,
  })
  onTestFinished(() => vault.close())
  const jira = new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token' } } })
  await expect(jira.ready()).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'tier_keys' })
})
