import fc from 'fast-check'
import { type CryptoKey, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { accessTokenVerifier } from '../../../src/identity/access-token/access-token.ts'
import { problemOf } from '../../../src/identity/claims/token-problem.ts'
import type { VerifySigned } from '../../../src/identity/issuer/issuer-keys.ts'
import { checkLoginAnswer } from '../../../src/identity/login/login-answer.ts'
import { mustHold, target } from '../target.ts'
import { anyJson, anyText, mutated, textLike } from '../texts.ts'

const issuer = 'https://login.example.com'
const audience = 'https://mcp.example.com/mcp'
const { publicKey, privateKey } = await generateKeyPair('EdDSA')

const tokenOf = (claims: Record<string, unknown>, header: object = {}, key: CryptoKey = privateKey) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(key)

const claims = { iss: issuer, aud: audience, sub: 'alice', exp: 4_000_000_000, scope: 'mcp', client_id: 'cli' }
const good = await tokenOf(claims)
const stranger = await tokenOf(claims, {}, (await generateKeyPair('EdDSA')).privateKey)
const withKey = await tokenOf(claims, { jwk: await exportJWK(publicKey), kid: 'x', typ: 'at+jwt' })

const verifySigned: VerifySigned = async (token, options, refuse) => {
  try {
    return (await jwtVerify(token, publicKey, options)).payload
  } catch (error) {
    throw refuse(problemOf(error))
  }
}

const verify = accessTokenVerifier(
  {
    issuer,
    issuerAliases: [],
    clientId: 'browser-client',
    audience,
    algorithms: ['EdDSA'],
    subjectClaim: 'sub',
    clockToleranceSeconds: 30,
    requireTokenType: false,
    allowMachineTokens: false,
  },
  verifySigned,
)

const json = (value: unknown) => Buffer.from(JSON.stringify(value) ?? 'null').toString('base64url')
const parts = fc.oneof(
  anyJson.map(json),
  mutated('{"alg":"EdDSA"}', '{"alg":"none"}', '{"alg":"EdDSA","crit":["b64"],"b64":false}').map((text) =>
    Buffer.from(text).toString('base64url'),
  ),
)
const unsigned = fc.tuple(parts, parts, textLike(good.split('.')[2] ?? '')).map((all) => all.join('.'))

/** By the issuer itself, with claims that nobody expects. */
const strangeClaims = fc.record(
  {
    iss: fc.constant(issuer),
    aud: fc.oneof(fc.constant(audience), fc.array(anyText, { maxLength: 2 }), anyJson),
    sub: fc.oneof(anyText, anyJson),
    exp: fc.oneof(fc.constant(4_000_000_000), anyJson),
    iat: anyJson,
    scope: fc.oneof(anyText, anyJson),
    azp: anyJson,
    name: anyJson,
    typ: anyJson,
  },
  { requiredKeys: ['iss'] },
)

const transaction = { state: 'state-1', nonce: 'n', codeVerifier: 'v', issuer, startedAt: String(Date.now()) }

export const identity = [
  target(
    'access token',
    fc.oneof(textLike(good, stranger, withKey), unsigned),
    async (token) => {
      const { subject } = await verify(token)
      mustHold(subject === 'alice' && [good, withKey].some((ours) => isSame(token, ours)), 'a changed token passes')
    },
    { weight: 20 },
  ),
  target(
    'access token with strange claims',
    strangeClaims,
    async (strange) => {
      const { subject, scopes } = await verify(await tokenOf(strange))
      mustHold(typeof subject === 'string' && subject !== '' && Array.isArray(scopes), 'nobody')
    },
    { weight: 10 },
  ),
  target(
    'answer of the login',
    textLike(
      `code=abc&state=state-1&iss=${encodeURIComponent(issuer)}`,
      'error=access_denied&state=state-1&error_description=x',
      'code=a&code=b&state=state-1',
    ),
    (query) => {
      checkLoginAnswer(new URLSearchParams(query), transaction, {
        issuer,
        authorization_endpoint: `${issuer}/a`,
        token_endpoint: `${issuer}/t`,
        jwks_uri: `${issuer}/k`,
      })
      mustHold(new URLSearchParams(query).get('state') === 'state-1', 'another login')
    },
    { weight: 40 },
  ),
]

/** The signature's last character has bits that stand for nothing. */
function isSame(token: string, ours: string): boolean {
  const end = ours.length - 1
  const signature = (text: string) => Buffer.from(text.split('.')[2] ?? '', 'base64url').toString('hex')
  return token.slice(0, end) === ours.slice(0, end) && signature(token) === signature(ours)
}
