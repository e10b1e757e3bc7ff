import { createPublicKey } from 'node:crypto'
import { type JWK, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { identityUnderTest, RESOURCE, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

test.each(['HS256', 'HS384', 'HS512'])('our public key is no %s secret', async (alg) => {
  const { keys } = (await (await fetch(`${under.provider.issuer}/jwks`)).json()) as { keys: JWK[] }
  const [published = {}] = keys
  const pem = createPublicKey({ key: published, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  for (const secret of [String(pem), String(pem).trim(), JSON.stringify(published), published.n ?? '']) {
    const token = await new SignJWT({ client_id: 'attacker' })
      .setProtectedHeader({ alg, typ: 'at+jwt', kid: published.kid ?? '' })
      .setIssuer(under.provider.issuer)
      .setAudience(RESOURCE)
      .setSubject('alice')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(secret))
    expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
      code: 'token_invalid',
      reason: 'algorithm',
    })
  }
})
