import { expect, test } from 'vitest'
import { answerLogin, beginLogin, identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

test.each(['another-state', '', undefined])(
  'an answer with state %j is refused and its code not sent',
  async (state) => {
    const { callback, transaction } = await answerLogin(under, 'alice')
    callback.searchParams.delete('state')
    if (state !== undefined) callback.searchParams.set('state', state)
    const code = callback.searchParams.get('code') ?? ''
    const error = await refusal(
      under.identity.browserLogin.complete(callback, transaction),
      code,
      ...Object.values(transaction),
    )
    expect(error).toMatchObject({ code: 'login_failed', reason: 'state' })
    expect(under.provider.requestsFor('/token')).toBe(0)
  },
)

test('two tabs whose answers are swapped both fail', async () => {
  const first = await answerLogin(under, 'alice')
  const second = await answerLogin(under, 'bob')
  for (const [callback, transaction] of [
    [first.callback, second.transaction],
    [second.callback, first.transaction],
  ] as const) {
    expect(await refusal(under.identity.browserLogin.complete(callback, transaction))).toMatchObject({
      reason: 'state',
    })
  }
  expect(under.provider.requestsFor('/token')).toBe(0)
})

test.each(['state', 'code', 'iss'])('an answer with a second %s is refused', async (parameter) => {
  const { callback, transaction } = await answerLogin(under, 'alice')
  callback.searchParams.append(parameter, callback.searchParams.get(parameter) ?? '')
  expect(await refusal(under.identity.browserLogin.complete(callback, transaction))).toMatchObject({
    code: 'login_failed',
    reason: 'malformed',
  })
})

test.each(['state', 'nonce', 'codeVerifier', 'issuer', 'startedAt'])(
  'a transaction without its %s is refused',
  async (part) => {
    const { callback, transaction } = await answerLogin(under, 'alice')
    const damaged = Object.fromEntries(Object.entries(transaction).filter(([name]) => name !== part))
    for (const kept of [damaged, { ...damaged, [part]: '' }]) {
      const error = await refusal(under.identity.browserLogin.complete(callback, kept))
      expect(error.code).toBe('login_failed')
      expect(['transaction', 'issuer']).toContain(error.reason)
    }
    expect(under.provider.requestsFor('/token')).toBe(0)
  },
)

test('an empty transaction and an empty answer do not match each other', async () => {
  const { callback } = await answerLogin(under, 'alice')
  callback.search = ''
  expect(await refusal(under.identity.browserLogin.complete(callback, {}))).toMatchObject({ code: 'login_failed' })
})

test('every login has its own state, nonce and verifier of at least 128 bit', async () => {
  const logins = await Promise.all(Array.from({ length: 20 }, () => beginLogin(under.identity)))
  for (const part of ['state', 'nonce', 'codeVerifier']) {
    const values = logins.map(({ transaction }) => transaction[part] ?? '')
    expect(new Set(values).size).toBe(20)
    for (const value of values) expect(Buffer.from(value, 'base64url').length).toBeGreaterThanOrEqual(16)
  }
  for (const { redirectTo, transaction } of logins) {
    expect(redirectTo).not.toContain(transaction['codeVerifier'])
    expect(new URL(redirectTo).searchParams.get('code_challenge_method')).toBe('S256')
  }
})
