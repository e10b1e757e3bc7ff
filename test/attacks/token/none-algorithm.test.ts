import { expect, test } from 'vitest'
import { identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

test.each(['none', 'None', 'NONE', 'nOnE', ''])('an unsigned token with alg %j is refused', async (alg) => {
  const [, payload = ''] = (await under.provider.issueAccessToken('alice')).split('.')
  const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt' })).toString('base64url')
  for (const token of [`${header}.${payload}.`, `${header}.${payload}`]) {
    const error = await refusal(under.identity.verifyToken(token), token)
    expect(error.code).toBe('token_invalid')
    expect(['algorithm', 'malformed']).toContain(error.reason)
  }
})

test('cutting the signature off a good token does not make it acceptable', async () => {
  const token = await under.provider.issueAccessToken('alice')
  const unsigned = token.slice(0, token.lastIndexOf('.') + 1)
  expect(await refusal(under.identity.verifyToken(unsigned), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'signature',
  })
})
