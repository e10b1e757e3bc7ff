import { expect, test } from 'vitest'
import { identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

test.each([
  '',
  '.',
  '..',
  'opaque-access-token-of-some-length',
  'a.b.c.d.e',
  `${json('RS256')}.${json({})}.x`,
  `${json({ alg: 'RS256' })}.${json(['alice'])}.x`,
  `${json({ alg: 'RS256' })}.bm90IGpzb24.x`,
  `${json({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`,
  'ünïcödé.tökén.hëre',
])('%j is refused without a question to the identity provider', async (token) => {
  const before = under.provider.requestsFor()
  expect(await refusal(under.identity.verifyToken(token))).toMatchObject({ code: 'token_invalid', reason: 'malformed' })
  expect(under.provider.requestsFor()).toBe(before)
})

test('an unknown critical header is refused', async () => {
  const token = await under.provider.issueAccessToken('alice')
  const [, payload, signature] = token.split('.')
  const header = json({ alg: 'RS256', kid: under.provider.signingKey.kid, crit: ['x-new'], 'x-new': 1 })
  const changed = `${header}.${payload}.${signature}`
  expect(await refusal(under.identity.verifyToken(changed), changed)).toMatchObject({
    code: 'token_invalid',
    reason: 'malformed',
  })
})

test.each(['\n', ' ', '=', '+'])('a good token with %j in its signature is refused', async (character) => {
  const token = await under.provider.issueAccessToken('alice')
  const changed = character === '=' ? `${token}=` : token.replace(/\.(?=[^.]*$)/, `.${character}`)
  expect(await refusal(under.identity.verifyToken(changed), changed)).toMatchObject({ reason: 'malformed' })
})

test('16 kB is the limit', async () => {
  const filler = async (length: number) => {
    const token = await under.provider.issueAccessToken('alice', { claims: { filler: 'x'.repeat(length) } })
    return token
  }
  const short = await filler(11_000)
  expect(short.length).toBeLessThan(16_384)
  expect(await under.identity.verifyToken(short)).toMatchObject({ subject: 'alice' })
  const long = await filler(12_500)
  expect(long.length).toBeGreaterThan(16_384)
  expect(await refusal(under.identity.verifyToken(long), long)).toMatchObject({
    code: 'token_invalid',
    reason: 'too_long',
  })
})
