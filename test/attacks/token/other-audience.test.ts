import { expect, test } from 'vitest'
import { identityUnderTest, RESOURCE, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

const OTHERS = [
  'http://localhost:39998/mcp',
  `${RESOURCE}/`,
  `${RESOURCE}2`,
  RESOURCE.slice(0, -1),
  RESOURCE.toUpperCase(),
  'http://localhost:39999',
  'https://api.example.com',
  '',
]

test.each(OTHERS)('a token for %j is refused', async (audience) => {
  for (const claim of [audience, [audience], [audience, 'http://another.example/mcp']]) {
    const token = await under.provider.issueAccessToken('alice', { audience: claim })
    expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
      code: 'token_invalid',
      reason: 'audience',
    })
  }
})

test('a token without an audience is refused', async () => {
  const token = await under.provider.issueAccessToken('alice', { claims: { aud: undefined } })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'audience',
  })
})

test('a token for several services is accepted when we are exactly one of them', async () => {
  const token = await under.provider.issueAccessToken('alice', { audience: ['https://api.example.com', RESOURCE] })
  expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
})
