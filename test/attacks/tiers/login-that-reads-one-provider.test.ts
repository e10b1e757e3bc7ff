import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { openFormTierVault } from '../../../src/vault/tier-vaults.ts'
import { type OpenBao, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { policyToken } from '../../harness/hashicorp-vault/policy-token.ts'
import { startVaultProxy } from '../../harness/hashicorp-vault/vault-proxy.ts'

let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(() => bao.stop())

/** A rule left from before the split. */
const reads = (provider: string) =>
  `path "secret/data/mcp/${provider}/*" { capabilities = ["create", "update", "read"] }`
const REFUSED = { code: 'configuration_invalid', reason: 'tier_keys' }

async function loginWith(
  more: string,
  address = bao.address,
): Promise<{ backend: SecretBackend; fix(): Promise<void> }> {
  const mount = await bao.newMount()
  const token = await policyToken(bao, 'form', mount, more)
  const backend = vaultBackend({ address, mount, auth: { write: { method: 'token', token } }, warn: () => {} })
  return {
    backend,
    async fix() {
      const { body } = await bao.api('POST', 'auth/token/lookup', { token })
      const name = body.data.policies.find((policy: string) => policy.startsWith('policy-'))
      const { body: found } = await bao.api('GET', `sys/policies/acl/${name}`)
      const policy = found.data.policy.replaceAll(', "read"] }', '] }')
      await bao.api('PUT', `sys/policies/acl/${name}`, { policy })
    },
  }
}

async function openTier(backend: SecretBackend): Promise<{ vault: CredentialVault; warnings: string[]; url: string }> {
  const warnings: string[] = []
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const vault = await openFormTierVault({
    serverBaseUrl: `http://localhost:${port}`,
    identity: localUser({ name: 'alice' }),
    backend,
    webKey: generateKeyText(),
    audit: memoryAudit(),
    warn: (message) => warnings.push(message),
  })
  const app = new Koa()
  app.use(vault.healthRoutes().routes)
  vault.register(app)
  server.on('request', app.callback())
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await vault.close()
  })
  return { vault, warnings, url: `http://localhost:${port}` }
}

const variables = { pat: { label: 'Token' } } as const

/** Asks again until the store refuses the login. */
async function expectProven(provider: { ready(): Promise<void> }): Promise<void> {
  const outcome = () =>
    provider.ready().then(
      () => 'proven',
      () => 'refused',
    )
  await expect.poll(outcome, { timeout: 20_000 }).toBe('proven')
}

test('a form tier whose login may read one of its providers serves no page until the policy is right', async () => {
  const { backend, fix } = await loginWith(reads('jira'))
  const { vault, warnings, url } = await openTier(backend)
  const github = new CredentialsProvider({ vault, name: 'github', variables })
  await github.ready()
  expect((await fetch(`${url}/credentials`)).status).toBe(200)

  const jira = new CredentialsProvider({ vault, name: 'jira', variables })
  await expect(jira.ready()).rejects.toMatchObject(REFUSED)
  expect(warnings.join('\n')).toContain('may read credentials below jira')
  for (const path of ['', '/jira/entry?t=x', '/github/entry?t=x'])
    expect((await fetch(`${url}/credentials${path}`)).status, path).toBe(500)
  const ready = await fetch(`${url}/readyz`)
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'not_ready', problems: { tier: 'tier_keys' } }])

  await fix()
  await expectProven(jira)
  expect((await fetch(`${url}/credentials`)).status).toBe(200)
})

test.each(['plain', 'sealed'] as const)(
  'a login that may read one account of a provider is refused, with values that are %s',
  async (kind) => {
    const { backend } = await loginWith(reads('jira@work'))
    const { vault } = await openTier(kind === 'plain' ? backend : sealedEnvelope(backend, { key: generateKeyText() }))
    const jira = new CredentialsProvider({ vault, name: 'jira', variables, accounts: ['work'] })
    await expect(jira.ready()).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('below jira@work.'),
    })
  },
)

test('an outage while a provider is attached is an outage, and proves nothing', async () => {
  const proxy = await startVaultProxy(bao.address)
  onTestFinished(() => proxy.close())
  const { backend } = await loginWith('', proxy.endpoint)
  const { vault, url } = await openTier(backend)
  proxy.fault('sealed')
  const jira = new CredentialsProvider({ vault, name: 'jira', variables })
  await expect(jira.ready()).rejects.toMatchObject({ code: 'unavailable' })
  expect((await fetch(`${url}/credentials`)).status).toBe(503)
  proxy.fault('none')
  await expectProven(jira)
  expect((await fetch(`${url}/credentials`)).status).toBe(200)
})
