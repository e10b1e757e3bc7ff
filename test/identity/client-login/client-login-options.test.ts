import { expect, test } from 'vitest'
import type { ClientLoginOptions } from '../../../src/identity/client-login/client-login-options.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { severalIssuers } from '../../../src/identity/several-issuers.ts'
import { CALLBACK_URL, SERVER_BASE_URL, startFormProvider } from '../../harness/identity/opened-identity.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const ISSUER = { issuer: 'https://login.example.com', clientId: 'mcp', scopes: ['mcp'] }
const configure = (clientLogin: ClientLoginOptions) => () => oidc({ ...ISSUER, clientLogin })

// An operator who mistypes must not open a door.
test.each<[ClientLoginOptions, string]>([
  [{ redirectUris: ['http://app.example.com/cb'] }, 'redirectUris[0]'],
  [{ redirectUris: ['https://*.example.com/cb'] }, 'redirectUris[0]'],
  [{ redirectUris: ['https://app.example.com/cb#x'] }, 'redirectUris[0]'],
  [{ redirectUris: ['https://user@app.example.com/cb'] }, 'redirectUris[0]'],
  [{ redirectUris: ['app.example.com'] }, 'redirectUris[0]'],
  [{ redirectUris: ['javascript:alert(1)'] }, 'redirectUris[0]'],
  [{ redirectUris: ['data:text/html,x'] }, 'redirectUris[0]'],
  [{ redirectUris: ['https://app.example.com/a b'] }, 'redirectUris[0]'],
  [{ metadataHosts: ['https://clients.example.com'] }, 'metadataHosts[0]'],
  [{ metadataHosts: ['clients.example.com/path'] }, 'metadataHosts[0]'],
  [{ metadataHosts: ['*.example.com'] }, 'metadataHosts[0]'],
  [{ metadataHosts: ['Clients.example.com'] }, 'metadataHosts[0]'],
  [{ scopes: { other: 'other' } }, 'scopes: must have each of oidc.scopes'],
  [{ scopes: { mcp: 'a  b' } }, 'scopes.mcp'],
  [{ authorizationParameters: { redirect_uri: 'https://evil.example.com' } }, 'none that this server sets itself'],
  [{ authorizationParameters: { State: 'fixed' } }, 'none that this server sets itself'],
  [{ scopes: { 'mcp tools': 'mcp', mcp: 'mcp' } }, 'scopes: must have names of scopes'],
  [{ rememberConsentDays: 91 }, 'rememberConsentDays'],
  [{ clientSecret: 'a secret without its client' }, 'clientId'],
  [{ clientId: 'a', clientSecret: 'b', clientSecretFile: 'c' }, 'clientSecretFile'],
])('%j is refused', async (options, named) => {
  const error = thrownError(configure(options))
  expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'option' })
  expect(error.message).toContain('oidc.clientLogin')
  expect(error.message).toContain(named)
  expect(error.message).not.toContain('evil.example.com')
})

test('of several identity providers, one can have it; clients are told of both', async () => {
  const [a, b] = [await startFormProvider(), await startFormProvider()]
  const context = { serverBaseUrl: SERVER_BASE_URL, callbackUrl: CALLBACK_URL, warn: () => undefined }
  const mode = ({ issuer }: { issuer: string }, clientLogin?: ClientLoginOptions) =>
    oidc({ issuer, clientId: 'credential-form', displayName: issuer, ...(clientLogin && { clientLogin }) })
  const identity = await severalIssuers([mode(a), mode(b, {})]).open(context)
  expect(identity.resource?.authorizationServers).toEqual([a.issuer, 'http://localhost:39999'])
  expect(identity.ownerIssuers).toEqual([a.issuer, b.issuer])
  expect(identity.clientLogin?.displayName).toBe(b.issuer)
  await expect(severalIssuers([mode(a, {}), mode(b, {})]).open(context)).rejects.toMatchObject({
    code: 'configuration_invalid',
    reason: 'client_login_twice',
  })
  await Promise.all([a.close(), b.close()])
})
