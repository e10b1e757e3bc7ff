import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { openFormTier } from '../../../src/vault/tiers/form-tier.ts'
import { openToolTier } from '../../../src/vault/tiers/tool-tier.ts'
import { authorizationUrl, loggedIn, registered, requestTokens } from '../../harness/client-login.ts'
import { freePort } from '../../harness/free-port.ts'
import { CLIENT_ID, CLIENT_SECRET, startClosedProvider } from '../../harness/identity/closed-provider.ts'

async function startTiers(keys: { webKey: string; acceptedWebKeys?: readonly string[] }) {
  const port = await freePort()
  const baseUrl = `http://localhost:${port}`
  const provider = await startClosedProvider(baseUrl)
  const backend = memoryBackend()
  const shared = { serverBaseUrl: baseUrl, pendingStore: memoryPendingStore(), warn: () => undefined }
  const clientLogin = { authorizationParameters: { prompt: 'consent' } }
  const settings = { issuer: provider.issuer, clientId: CLIENT_ID, scopes: ['mcp'], clientLogin }
  const openForm = (webKeys: typeof keys) =>
    openFormTier({
      ...shared,
      ...webKeys,
      audit: memoryAudit(),
      identity: oidc({ ...settings, clientSecret: CLIENT_SECRET }),
      backend: {
        ...backend,
        read: async () => {
          throw new CredentialVaultError('forbidden', 'This login may not read.', { reason: 'policy' })
        },
      },
    })
  let form = await openForm(keys)
  const tools = await openToolTier({ ...shared, ...keys, audit: memoryAudit(), identity: oidc(settings), backend })
  let handle = form.nodeHandler()
  const server = createServer((request, response) => handle(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await Promise.all([form.close(), tools.close(), provider.close()])
  })
  return {
    harness: { baseUrl },
    tools,
    async changeKeys(webKeys: typeof keys) {
      await form.close()
      form = await openForm(webKeys)
      handle = form.nodeHandler()
    },
  }
}

test('the form tier logs clients in; the tool tier serves the metadata and needs no secret', async () => {
  const { harness, tools } = await startTiers({ webKey: generateKeyText() })
  expect(tools.metadata.owns('/.well-known/oauth-authorization-server')).toBe(true)
  expect(tools.metadata.owns('/credentials/token')).toBe(false)
  const { grant } = await loggedIn(harness)
  const { status, body } = await requestTokens(harness, grant)
  expect(status).toBe(200)
  expect(await tools.verifyToken(String(body['access_token']))).toMatchObject({ subject: 'alice' })
})

test('after a change of the web key, clients and their tokens work as long as the former key is accepted', async () => {
  const [former, next] = [generateKeyText(), generateKeyText()]
  const { harness, changeKeys } = await startTiers({ webKey: former })
  const { grant, clientId } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  const refresh = { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(body['refresh_token']) }

  await changeKeys({ webKey: next, acceptedWebKeys: [former] })
  const renewed = await requestTokens(harness, refresh)
  expect(renewed.status).toBe(200)

  await changeKeys({ webKey: next })
  const withNewSeal = { ...refresh, refresh_token: String(renewed.body['refresh_token']) }
  expect(await requestTokens(harness, withNewSeal)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  const page = await fetch(authorizationUrl(harness, { client_id: clientId }))
  expect(page.status).toBe(400)
  expect(await page.text()).toContain('This server does not know the application')
  expect(await registered(harness)).toMatch(/^[\w-]+$/)
})
