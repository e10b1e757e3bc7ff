import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeSigningKey } from '../../harness/identity/identity-provider.ts'
import { type IdentityUnderTest, refusal, startIdentity } from '../../harness/identity/opened-identity.ts'

let under: IdentityUnderTest
let visits = 0
const attacker = createServer((_request, response) => {
  visits += 1
  response.end('{}')
})
beforeAll(async () => {
  under = await startIdentity()
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  await under.provider.close()
  attacker.close()
})

test.each(['jku', 'x5u', 'jwk', 'x5c'])(
  'a key that the header brings along in %s is not looked at',
  async (parameter) => {
    const key = { ...(await makeSigningKey()), kid: under.provider.signingKey.kid ?? '' }
    const url = `http://127.0.0.1:${(attacker.address() as AddressInfo).port}/keys`
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicKey } = key
    const value = { jku: url, x5u: url, jwk: publicKey, x5c: ['AAAA'] }[parameter]
    const before = under.provider.requestsFor('/jwks')
    const token = await under.provider.issueAccessToken('alice', { key, header: { [parameter]: value } })
    expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
      code: 'token_invalid',
      reason: 'signature',
    })
    expect(visits).toBe(0)
    expect(under.provider.requestsFor('/jwks') - before).toBeLessThanOrEqual(1)
  },
)
