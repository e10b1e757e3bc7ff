import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ForgingProvider, startForgingProvider } from '../../harness/identity/forged-id-token.ts'
import { refusal } from '../../harness/identity/opened-identity.ts'

let forging: ForgingProvider
beforeAll(async () => {
  forging = await startForgingProvider({ maxAuthAgeSeconds: 60, clockToleranceSeconds: 0 })
})
afterAll(() => forging.provider.close())

const ago = (seconds: number) => Math.floor(Date.now() / 1_000) - seconds

test('a recent sign-in is accepted', async () => {
  const { complete } = await forging.completeWith({ auth_time: ago(50) })
  expect(await complete).toMatchObject({ subject: 'alice' })
})

test('an identity provider that ignores max_age is noticed', async () => {
  const { complete, forged } = await forging.completeWith({ auth_time: ago(70) })
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'authentication_too_old' })
})

test.each([
  [undefined, 'authentication_time_missing'],
  ['now', 'id_token_malformed'],
  [-1, 'id_token_malformed'],
])('an ID token whose auth_time is %j is refused', async (auth_time, reason) => {
  const { complete, forged } = await forging.completeWith({ auth_time })
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason })
})
