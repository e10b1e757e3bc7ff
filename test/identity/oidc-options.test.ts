import { expect, test } from 'vitest'
import { isCredentialVaultError } from '../../src/core/model/errors.ts'
import { oidc } from '../../src/identity/oidc.ts'

const GOOD = { issuer: 'https://login.example.com', clientId: 'form' }

function refusedOptions(options: unknown): string {
  try {
    oidc(options as Parameters<typeof oidc>[0])
  } catch (error) {
    if (isCredentialVaultError(error, 'configuration_invalid')) return error.message
    throw error
  }
  return expect.fail('The options were accepted.')
}

test('two options suffice', () => {
  expect(oidc(GOOD).mode).toBe('oidc')
})

test.each([
  [{}, 'oidc.issuer', 'oidc.clientId'],
  [{ ...GOOD, issuer: 'http://login.example.com' }, 'oidc.issuer: must be https'],
  [{ ...GOOD, issuer: 'http://127.0.0.1.example.com' }, 'oidc.issuer: must be https'],
  [{ ...GOOD, issuer: 'http://localhost.example.com' }, 'oidc.issuer: must be https'],
  [{ ...GOOD, issuer: 'login.example.com' }, 'oidc.issuer'],
  [{ ...GOOD, issuer: 'ftp://login.example.com' }, 'oidc.issuer'],
  [{ ...GOOD, issuer: 'https://login.example.com?tenant=1' }, 'oidc.issuer'],
  [{ ...GOOD, issuer: 'https://login.example.com#x' }, 'oidc.issuer'],
  [{ ...GOOD, issuer: 'https://user:secret-canary@login.example.com' }, 'oidc.issuer'],
  [{ ...GOOD, issuer: ' https://login.example.com' }, 'oidc.issuer'],
  [{ ...GOOD, issuer: `https://login.example.com/${'x'.repeat(255)}` }, 'oidc.issuer'],
  [{ ...GOOD, audience: 'http://mcp.example.com/mcp' }, 'oidc.audience'],
  [{ ...GOOD, audience: 'https://mcp.example.com/mcp#x' }, 'oidc.audience'],
  [{ ...GOOD, clientId: '' }, 'oidc.clientId'],
  [{ ...GOOD, clientSecret: '' }, 'oidc.clientSecret'],
  [{ ...GOOD, clientSecret: 'secret-canary', clientSecretFile: '/run/x' }, 'oidc.clientSecretFile'],
  [{ ...GOOD, algorithms: ['HS256'] }, 'oidc.algorithms[0]'],
  [{ ...GOOD, algorithms: ['RS256', 'none'] }, 'oidc.algorithms[1]'],
  [{ ...GOOD, algorithms: [] }, 'oidc.algorithms'],
  [{ ...GOOD, subjectClaim: 'email' }, 'oidc.subjectClaim'],
  [{ ...GOOD, subjectClaim: 'preferred_username' }, 'oidc.subjectClaim'],
  [{ ...GOOD, subjectClaim: 'upn' }, 'oidc.subjectClaim'],
  [{ ...GOOD, idTokenSubjectClaim: 'email' }, 'oidc.idTokenSubjectClaim'],
  [{ ...GOOD, scopes: ['two scopes'] }, 'oidc.scopes[0]'],
  [{ ...GOOD, scopes: new Uint8Array(1) }, 'oidc.scopes'],
  [{ ...GOOD, loginScopes: 'profile' }, 'oidc.loginScopes'],
  [{ ...GOOD, issuerAliases: ['https://login.example.com'] }, 'oidc.issuerAliases'],
  [{ ...GOOD, issuerAliases: ['https://a.example', 'https://a.example'] }, 'oidc.issuerAliases'],
  [{ ...GOOD, clockToleranceSeconds: 301 }, 'oidc.clockToleranceSeconds'],
  [{ ...GOOD, clockToleranceSeconds: -1 }, 'oidc.clockToleranceSeconds'],
  [{ ...GOOD, maxAuthAgeSeconds: 1.5 }, 'oidc.maxAuthAgeSeconds'],
  [{ ...GOOD, audiance: 'https://mcp.example.com/mcp' }, 'oidc.audiance: there is no such option'],
])('%j is refused and the message names the option', (options, ...texts) => {
  const message = refusedOptions(options)
  for (const text of texts) expect(message).toContain(text)
  expect(message).not.toContain('secret-canary')
})

test.each([
  'http://localhost:3001',
  'http://127.0.0.1:3001',
  'http://127.1.2.3',
  'http://[::1]:3001/realms/one',
  'https://x.example/',
])('%s may be an issuer', (issuer) => {
  expect(oidc({ ...GOOD, issuer }).mode).toBe('oidc')
})

test('an http issuer off loopback has to be asked for by its name', () => {
  expect(oidc({ ...GOOD, issuer: 'http://login.internal', dangerouslyAllowHttpIssuer: true }).mode).toBe('oidc')
})
