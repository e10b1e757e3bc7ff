import { afterEach, expect, test, vi } from 'vitest'
import { makeSigningKey } from '../../harness/identity/identity-provider.ts'
import { openIdentity, refusal, startFormProvider } from '../../harness/identity/opened-identity.ts'

// Anybody can write a token that names the issuer and an algorithm. While the issuer is in trouble, and answers that at once, each of
// them must not become a request of ours to it.
const TOKENS = 50

let close = async () => {}
afterEach(async () => {
  vi.useRealTimers()
  await close()
})

async function startBroken(path: string) {
  const provider = await startFormProvider()
  close = provider.close
  if (path === '/.well-known') provider.stopAnswering({ path })
  const identity = await openIdentity({ issuer: provider.issuer, clientId: 'form' })
  if (path !== '/.well-known') provider.stopAnswering({ path })
  const key = { ...(await makeSigningKey()), kid: 'forged' }
  const token = await provider.issueAccessToken('mallory', { key })
  return { provider, identity, token }
}

test.each(['/jwks', '/.well-known'])(
  'fifty forged tokens cause no request each while %s of the issuer answers 503',
  async (path) => {
    // A failure is remembered for a second, which does not go by here.
    vi.useFakeTimers({ toFake: ['performance'] })
    const { provider, identity, token } = await startBroken(path)
    const before = provider.requestsFor()
    for (let number = 0; number < TOKENS; number += 1) {
      expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ code: 'unavailable' })
    }
    expect(provider.requestsFor() - before).toBeLessThanOrEqual(1)
  },
)
