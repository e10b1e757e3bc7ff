import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ForgingProvider, startForgingProvider } from '../../harness/identity/forged-id-token.ts'
import { openIdentity, refusal } from '../../harness/identity/opened-identity.ts'

const TWO_FACTORS = 'https://refeds.org/profile/mfa'
let forging: ForgingProvider
beforeAll(async () => {
  forging = await startForgingProvider({ acrValues: [TWO_FACTORS, 'phr'] })
})
afterAll(() => forging.provider.close())

test.each([TWO_FACTORS, 'phr'])('a sign-in as strong as %s is accepted', async (acr) => {
  const { complete } = await forging.completeWith({ acr })
  expect(await complete).toMatchObject({ subject: 'alice' })
})

test.each([undefined, '', '0', 'PHR', `${TWO_FACTORS} phr`, ['phr'], { value: 'phr' }, true])(
  'an identity provider that answers with acr %j has not done what was asked',
  async (acr) => {
    const { complete, forged } = await forging.completeWith({ acr })
    expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'authentication_too_weak' })
  },
)

test('it is asked for at the identity provider', async () => {
  const { browserLogin } = await openIdentity({
    issuer: forging.provider.issuer,
    clientId: 'credential-form',
    acrValues: [TWO_FACTORS, 'phr'],
  })
  const begun = await browserLogin.begin({ switchAccount: false })
  const asked = begun.kind === 'redirect' ? new URL(begun.redirectTo).searchParams.get('acr_values') : undefined
  expect(asked).toBe(`${TWO_FACTORS} phr`)
})
