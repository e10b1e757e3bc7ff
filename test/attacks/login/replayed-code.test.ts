import { afterEach, expect, test, vi } from 'vitest'
import { answerLogin, identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()
afterEach(() => vi.useRealTimers())

test('an answer serves once', async () => {
  const { callback, transaction } = await answerLogin(under, 'alice')
  expect(await under.identity.browserLogin.complete(callback, transaction)).toMatchObject({ subject: 'alice' })
  const secrets = [callback.searchParams.get('code') ?? '', ...Object.values(transaction)]
  expect(await refusal(under.identity.browserLogin.complete(callback, transaction), ...secrets)).toMatchObject({
    code: 'login_failed',
    reason: 'replayed_code',
  })
})

test("somebody else's code does not fit this browser's login", async () => {
  const mallory = await answerLogin(under, 'bob')
  const victim = await answerLogin(under, 'alice')
  victim.callback.searchParams.set('code', mallory.callback.searchParams.get('code') ?? '')
  expect(await refusal(under.identity.browserLogin.complete(victim.callback, victim.transaction))).toMatchObject({
    code: 'login_failed',
    reason: 'replayed_code',
  })
})

test('a login ends after ten minutes, and does not begin in the future', async () => {
  const { callback, transaction } = await answerLogin(under, 'alice')
  vi.useFakeTimers({ toFake: ['Date'] })
  const began = Number(transaction['startedAt'])
  for (const now of [began + 600_001, began - 60_001]) {
    vi.setSystemTime(now)
    expect(await refusal(under.identity.browserLogin.complete(callback, transaction))).toMatchObject({
      reason: 'too_late',
    })
  }
})
