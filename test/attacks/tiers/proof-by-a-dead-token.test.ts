import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { openFormTierVault } from '../../../src/vault/tier-vaults.ts'
import { type OpenBao, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { policyToken } from '../../harness/hashicorp-vault/policy-token.ts'

let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(() => bao.stop())

const variables = { pat: { label: 'Token' } } as const
const READS_JIRA = 'path "secret/data/mcp/jira/*" { capabilities = ["create", "update", "read"] }'

// Vault answers 403 to a token that has ended, as it does to one that may not read.
test('a token that has ended proves nothing about the one that takes its place', async () => {
  const mount = await bao.newMount()
  const folder = mkdtempSync(join(tmpdir(), 'token-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const tokenFile = join(folder, 'token')
  const [first, second] = [await policyToken(bao, 'form', mount, ''), await policyToken(bao, 'form', mount, READS_JIRA)]
  writeFileSync(tokenFile, first, { mode: 0o600 })
  const backend = vaultBackend({
    address: bao.address,
    mount,
    auth: { write: { method: 'token', tokenFile } },
    warn: () => {},
  })
  const vault = await openFormTierVault({
    serverBaseUrl: 'http://localhost:1',
    identity: localUser({ name: 'alice' }),
    backend,
    webKey: generateKeyText(),
    audit: memoryAudit(),
    warn: () => {},
  })
  onTestFinished(() => vault.close())
  await bao.api('POST', 'auth/token/revoke', { token: first })
  const jira = new CredentialsProvider({ vault, name: 'jira', variables })
  const proof = await jira.ready().then(
    () => 'proven',
    () => 'refused',
  )
  expect(proof).toBe('refused')
  writeFileSync(tokenFile, second, { mode: 0o600 })
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  await expect(jira.ready()).rejects.toMatchObject({ reason: 'tier_keys' })
})
