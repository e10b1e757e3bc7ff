import { afterEach, expect, test } from 'vitest'
import { oidc } from '../../../src/identity/oidc.ts'
import { severalIssuers } from '../../../src/identity/several-issuers.ts'
import { CALLBACK_URL, refusal, SERVER_BASE_URL, startFormProvider } from '../../harness/identity/opened-identity.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

let harness: Harness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})

test.each(['/mcp', '/readyz'])(
  'an outage that %s meets is logged with the origin of the identity provider and what fails until then',
  async (path) => {
    const warnings: string[] = []
    harness = await startHarness({ warn: (message) => void warnings.push(message) })
    const { identityProvider, baseUrl } = harness
    const token = await identityProvider.issueAccessToken('alice')
    identityProvider.stopAnswering()
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(`${baseUrl}${path}`, { method: path === '/mcp' ? 'POST' : 'GET', headers })).status).toBe(503)
    const { origin } = new URL(identityProvider.issuer)
    expect(warnings).toEqual([
      expect.stringContaining(`identity: issuer_status. The identity provider ${origin} answers with an error status`),
    ])
    expect(warnings[0]).toContain('sign-ins fail')
    expect(warnings[0]).toContain('get 503')
    expect(warnings.join()).not.toContain(token)
  },
)

test('of several identity providers, each that is away is named', async () => {
  const providers = [await startFormProvider(), await startFormProvider()]
  try {
    const modes = providers.map(({ issuer }) => oidc({ issuer, clientId: 'form', displayName: issuer }))
    const parts = { serverBaseUrl: SERVER_BASE_URL, callbackUrl: CALLBACK_URL, warn: () => undefined }
    const identity = await severalIssuers(modes).open(parts)
    await identity.check?.()
    providers[0]?.stopAnswering()
    await identity.check?.()
    providers[1]?.stopAnswering()
    const error = await refusal(identity.check?.() ?? Promise.resolve())
    expect(error).toMatchObject({ code: 'unavailable', reason: 'issuer_status', retryable: true })
    for (const { issuer } of providers) expect(error.message).toContain(`The identity provider ${issuer} answers with`)
  } finally {
    await Promise.all(providers.map((provider) => provider.close()))
  }
})
