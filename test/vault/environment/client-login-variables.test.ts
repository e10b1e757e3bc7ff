import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { IdentityMode } from '../../../src/core/ports/identity.ts'
import { vaultOptionsFromEnvironment } from '../../../src/vault/environment/vault-options-from-environment.ts'
import { CALLBACK_URL, SERVER_BASE_URL, startFormProvider } from '../../harness/identity/opened-identity.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const BASE = {
  MCP_SERVER_BASE_URL: 'http://localhost:39999',
  MCP_VAULT_BACKEND: 'memory',
  MCP_OIDC_CLIENT_ID: 'credential-form',
  MCP_OIDC_SCOPES: 'mcp',
}

async function opened(environment: Record<string, string>) {
  const provider = await startFormProvider()
  onTestFinished(() => provider.close())
  const { identity } = vaultOptionsFromEnvironment({ ...BASE, MCP_OIDC_ISSUER: provider.issuer, ...environment })
  return (identity as IdentityMode).open({
    serverBaseUrl: SERVER_BASE_URL,
    callbackUrl: CALLBACK_URL,
    warn: () => undefined,
  })
}

test('every option has its variable', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'client-login-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'secret'), 'a secret\n')
  const { clientLogin } = await opened({
    MCP_OIDC_CLIENT_LOGIN: 'true',
    MCP_OIDC_CLIENT_LOGIN_CLIENT_ID: 'for-clients',
    MCP_OIDC_CLIENT_LOGIN_CLIENT_SECRET_FILE: join(folder, 'secret'),
    MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS: 'https://app.example.com/cb, cursor://x/cb',
    MCP_OIDC_CLIENT_LOGIN_METADATA_HOSTS: 'clients.example.com',
    MCP_OIDC_CLIENT_LOGIN_SCOPES: 'mcp=api://tickets/mcp mcp=openid read=api://tickets/read',
    MCP_OIDC_CLIENT_LOGIN_RESOURCE: 'pass',
    MCP_OIDC_CLIENT_LOGIN_PARAMETERS: 'audience=https://tickets.example.com/?a=b prompt=consent',
    MCP_OIDC_CLIENT_LOGIN_REMEMBER_DAYS: '30',
  })
  expect(clientLogin).toMatchObject({
    redirectUris: ['https://app.example.com/cb', 'cursor://x/cb'],
    metadataHosts: ['clients.example.com'],
    allowPrivateMetadataHosts: false,
    rememberSeconds: 30 * 86_400,
    scopes: ['mcp', 'read'],
    defaultScopes: ['mcp'],
  })
  const start = { state: 's', codeChallenge: 'c', scopes: ['mcp'], prompt: ['login'], nonce: 'n' }
  const url = new URL((await clientLogin?.authorizationUrl(start)) ?? '')
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'for-clients',
    scope: 'api://tickets/mcp openid',
    resource: 'http://localhost:39999/mcp',
    audience: 'https://tickets.example.com/?a=b',
    nonce: 'n',
    prompt: 'consent login',
  })
})

test('it is off by default, and with false', async () => {
  expect((await opened({})).clientLogin).toBeUndefined()
  const off = { MCP_OIDC_CLIENT_LOGIN: 'false', MCP_OIDC_CLIENT_LOGIN_REMEMBER_DAYS: '3' }
  expect((await opened(off)).clientLogin).toBeUndefined()
})

test.each([
  [{ MCP_OIDC_CLIENT_LOGIN_REMEMBER_DAYS: '3' }, 'MCP_OIDC_CLIENT_LOGIN'],
  [{ MCP_OIDC_CLIENT_LOGIN: 'yes' }, 'MCP_OIDC_CLIENT_LOGIN'],
  [{ MCP_OIDC_CLIENT_LOGIN: 'true', MCP_OIDC_CLIENT_LOGIN_SCOPES: 'mcp' }, 'MCP_OIDC_CLIENT_LOGIN_SCOPES'],
  [{ MCP_OIDC_CLIENT_LOGIN: 'true', MCP_OIDC_CLIENT_LOGIN_SCOPES: 'a=b' }, 'MCP_OIDC_CLIENT_LOGIN_SCOPES'],
  [
    { MCP_OIDC_CLIENT_LOGIN: 'true', MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS: 'http://x/' },
    'MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS',
  ],
  [{ MCP_OIDC_CLIENT_LOGIN: 'true', MCP_OIDC_CLIENT_LOGIN_RESOURCE: 'on' }, 'MCP_OIDC_CLIENT_LOGIN_RESOURCE'],
])('%j: the error names %s', (environment, name) => {
  const all = { ...BASE, MCP_OIDC_ISSUER: 'https://login.example.com', ...environment }
  const error = thrownError(() => vaultOptionsFromEnvironment(all))
  expect(error).toMatchObject({ code: 'configuration_invalid' })
  expect(error.message).toMatch(new RegExp(`environment\\.${name}\\b(?!_)`))
})
