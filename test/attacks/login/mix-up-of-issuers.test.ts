import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  answerLogin,
  beginLogin,
  type IdentityUnderTest,
  openIdentity,
  refusal,
  startIdentity,
} from '../../harness/identity/opened-identity.ts'

let honest: IdentityUnderTest
let attacker: IdentityUnderTest
beforeAll(async () => {
  honest = await startIdentity()
  attacker = await startIdentity()
})
afterAll(() => Promise.all([honest.provider.close(), attacker.provider.close()]))

test("an answer of one issuer to another issuer's login is refused before its code goes anywhere", async () => {
  const { transaction } = await beginLogin(honest.identity)
  const { callback } = await answerLogin(attacker, 'alice')
  callback.searchParams.set('state', transaction['state'] ?? '')
  const code = callback.searchParams.get('code') ?? ''
  expect(await refusal(honest.identity.browserLogin.complete(callback, transaction), code)).toMatchObject({
    code: 'login_failed',
    reason: 'issuer',
  })
  expect(honest.provider.requestsFor('/token') + attacker.provider.requestsFor('/token')).toBe(0)
})

test('a login that was begun at one issuer is not finished at another', async () => {
  const { callback, transaction } = await answerLogin(honest, 'alice')
  callback.searchParams.set('iss', attacker.provider.issuer)
  const error = await refusal(attacker.identity.browserLogin.complete(callback, transaction))
  expect(error).toMatchObject({ code: 'login_failed', reason: 'issuer' })
  expect(attacker.provider.requestsFor('/token')).toBe(0)
})

test('no other spelling of the issuer, no second and no missing one is accepted', async () => {
  const { issuer } = honest.provider
  const answers = [`${issuer}/`, issuer.toUpperCase(), issuer.replace('127.0.0.1', 'localhost'), '', undefined]
  for (const iss of answers) {
    const { callback, transaction } = await answerLogin(honest, 'alice')
    callback.searchParams.delete('iss')
    if (iss !== undefined) callback.searchParams.set('iss', iss)
    expect(await refusal(honest.identity.browserLogin.complete(callback, transaction))).toMatchObject({
      reason: 'issuer',
    })
  }
  const { callback, transaction } = await answerLogin(honest, 'alice')
  callback.searchParams.append('iss', attacker.provider.issuer)
  expect(await refusal(honest.identity.browserLogin.complete(callback, transaction))).toMatchObject({
    reason: 'malformed',
  })
  expect(honest.provider.requestsFor('/token')).toBe(0)
})

test('the same subject at two issuers is two owners', async () => {
  const other = await openIdentity({ issuer: attacker.provider.issuer, clientId: 'credential-form' })
  const here = await honest.identity.verifyToken(await honest.provider.issueAccessToken('alice'))
  const there = await other.verifyToken(await attacker.provider.issueAccessToken('alice'))
  expect(here.subject).toBe(there.subject)
  expect(here.issuer).not.toBe(there.issuer)
})
