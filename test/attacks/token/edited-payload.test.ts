import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

test.each([{ sub: 'bob' }, { exp: 4_000_000_000 }, { scope: 'mcp admin' }])(
  'a signed token whose payload became %j is refused',
  async (edit) => {
    const token = await under.provider.issueAccessToken('alice')
    const [header, , signature] = token.split('.')
    const payload = Buffer.from(JSON.stringify({ ...decodeJwt(token), ...edit })).toString('base64url')
    const edited = [header, payload, signature].join('.')
    expect(await refusal(under.identity.verifyToken(edited), edited)).toMatchObject({
      code: 'token_invalid',
      reason: 'signature',
    })
  },
)
