import { expect, test } from 'vitest'
import { beginLogin, CALLBACK_URL, identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

const CANARY = 'please-call-0900-123456'

async function errorAnswer(error: string, issuer: string | undefined) {
  const { transaction } = await beginLogin(under.identity)
  const callback = new URL(CALLBACK_URL)
  callback.searchParams.set('error', error)
  callback.searchParams.set('error_description', CANARY)
  callback.searchParams.set('error_uri', `https://attacker.example/${CANARY}`)
  callback.searchParams.set('state', transaction['state'] ?? '')
  if (issuer !== undefined) callback.searchParams.set('iss', issuer)
  // Operators are told which identity provider is away.
  const { issuer: _, ...secret } = transaction
  return refusal(under.identity.browserLogin.complete(callback, transaction), CANARY, ...Object.values(secret))
}

test.each(['https://attacker.example', '', undefined])(
  'an error that claims to come from issuer %j is not believed',
  async (issuer) => {
    for (const error of ['access_denied', 'temporarily_unavailable']) {
      expect(await errorAnswer(error, issuer)).toMatchObject({ code: 'login_failed', reason: 'issuer' })
    }
  },
)

test.each([
  ['access_denied', 'login_failed', 'denied'],
  ['login_required', 'login_failed', 'denied'],
  ['unauthorized_client', 'login_failed', 'client_refused'],
  ['invalid_scope', 'login_failed', 'provider_error'],
  [CANARY, 'login_failed', 'provider_error'],
  ['temporarily_unavailable', 'unavailable', 'issuer_answered'],
  ['server_error', 'unavailable', 'issuer_answered'],
])("the issuer's own %s becomes %s, without its text", async (error, code, reason) => {
  expect(await errorAnswer(error, under.provider.issuer)).toMatchObject({ code, reason })
})

test('an error comes before a code that stands beside it', async () => {
  const { transaction } = await beginLogin(under.identity)
  const callback = new URL(CALLBACK_URL)
  callback.search = new URLSearchParams({
    error: 'access_denied',
    code: 'some-code',
    state: transaction['state'] ?? '',
    iss: under.provider.issuer,
  }).toString()
  expect(await refusal(under.identity.browserLogin.complete(callback, transaction))).toMatchObject({ reason: 'denied' })
  expect(under.provider.requestsFor('/token')).toBe(0)
})
