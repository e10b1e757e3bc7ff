import { userInfo } from 'node:os'
import { expect, test } from 'vitest'
import { isCredentialVaultError } from '../../src/core/model/errors.ts'
import { localUser } from '../../src/identity/local-user.ts'
import { refusal } from '../harness/identity/opened-identity.ts'

const ACCESS_TOKEN = 'local-access-token-of-thirty-two-or-more'

async function open(url: string, options: Parameters<typeof localUser>[0] = {}) {
  const warnings: string[] = []
  const serverBaseUrl = new URL(url)
  const identity = await localUser(options).open({
    serverBaseUrl,
    callbackUrl: new URL('/login/callback', serverBaseUrl),
    warn: (message) => warnings.push(message),
  })
  return { identity, warnings }
}

test('the user of the operating system is the owner, without a login', async () => {
  const { identity } = await open('http://localhost:3000')
  const start = await identity.browserLogin.begin({ switchAccount: false })
  const name = userInfo().username
  expect(start).toEqual({ kind: 'signed-in', user: { issuer: 'local-user', subject: name, displayName: name } })
  expect(identity.resource).toBeUndefined()
  expect(identity.browserLogin.mode).toBe('local-user')
})

test('token and browser name the same owner', async () => {
  const { identity } = await open('http://localhost:3000', { name: 'ada', accessToken: ACCESS_TOKEN })
  expect(await identity.verifyToken(ACCESS_TOKEN)).toEqual({
    issuer: 'local-user',
    subject: 'ada',
    displayName: 'ada',
    scopes: [],
  })
  expect(await identity.browserLogin.begin({ switchAccount: true })).toMatchObject({ user: { subject: 'ada' } })
})

test.each(['', 'x', ACCESS_TOKEN.slice(0, -1), `${ACCESS_TOKEN}x`, ACCESS_TOKEN.toUpperCase(), ` ${ACCESS_TOKEN}`])(
  'the token %j is refused',
  async (token) => {
    const { identity } = await open('http://localhost:3000', { accessToken: ACCESS_TOKEN })
    expect(await refusal(identity.verifyToken(token), ACCESS_TOKEN)).toMatchObject({
      code: 'token_invalid',
      reason: 'access_token',
    })
  },
)

test('without an access token none is good, and the operator learns how to set one', async () => {
  const { identity } = await open('http://localhost:3000')
  for (const token of ['', 'undefined', ACCESS_TOKEN]) {
    const error = await refusal(identity.verifyToken(token))
    expect(error).toMatchObject({ code: 'token_invalid', reason: 'access_token_not_configured' })
    expect(error.message).toContain('localUser({ accessToken })')
  }
})

test.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://127.3.2.1', 'https://[::1]:8443/vault'])(
  '%s is on this machine, and the warning says who can act',
  async (url) => {
    const { warnings } = await open(url, { name: 'ada' })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('anyone on this machine')
    expect(warnings[0]).toContain('ada')
  },
)

test.each([
  'https://mcp.example.com',
  'http://192.168.1.7:3000',
  'http://0.0.0.0:3000',
  'http://[::]:3000',
  'http://localhost.example.com',
  'http://127.0.0.1.example.com',
  'http://app.localhost:3000',
])('%s is refused and the modes are listed', async (url) => {
  const error = await refusal(open(url))
  expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'not_loopback' })
  expect(error.message).toContain('oidc(')
  expect(error.message).toContain('localUser(')
})

test('the login has no second half', async () => {
  const { identity } = await open('http://localhost:3000')
  const callback = new URL('http://localhost:3000/login/callback?code=x&state=y')
  expect(await refusal(identity.browserLogin.complete(callback, { state: 'y' }))).toMatchObject({
    code: 'login_failed',
  })
})

test.each([
  { accessToken: 'short' },
  { accessToken: `${ACCESS_TOKEN} with spaces` },
  { name: '' },
  { name: 'a\nb' },
  { name: 'x'.repeat(256) },
  { user: 'ada' },
])('the options %j are refused', (options) => {
  expect(() => localUser(options)).toThrow(expect.objectContaining({ code: 'configuration_invalid' }))
  try {
    localUser(options)
  } catch (error) {
    expect(isCredentialVaultError(error) && error.message).toContain(`localUser.${Object.keys(options)[0]}`)
    expect(String(error)).not.toContain(ACCESS_TOKEN)
  }
})
