import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ForgingProvider, startForgingProvider } from '../../harness/identity/forged-id-token.ts'
import { answerLogin, refusal } from '../../harness/identity/opened-identity.ts'

let forging: ForgingProvider
beforeAll(async () => {
  forging = await startForgingProvider()
})
afterAll(() => forging.provider.close())

test('an ID token with the nonce of this login is accepted', async () => {
  expect(await (await forging.completeWith({})).complete).toMatchObject({ subject: 'alice' })
})

test.each(['another-nonce', ''])('an ID token with nonce %j is of another login', async (nonce) => {
  const { complete, forged } = await forging.completeWith({ nonce })
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'nonce' })
})

test('an ID token without a nonce is refused', async () => {
  const { complete, forged } = await forging.completeWith({ nonce: undefined })
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'nonce' })
})

test('an ID token of an earlier login of the same user does not serve again', async () => {
  const earlier = await answerLogin(forging, 'alice')
  const { complete, forged } = await forging.completeWith({ nonce: earlier.transaction['nonce'] })
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'nonce' })
})
