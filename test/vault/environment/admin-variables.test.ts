import { randomUUID } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { warnOfUnknownVariables } from '../../../src/cli/operator/unknown-variables.ts'
import { isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import {
  errorOfEnvironment,
  vaultOptionsFromEnvironment,
} from '../../../src/vault/environment/vault-options-from-environment.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import type { AdminOptions } from '../../../src/web/admin/admin-options.ts'
import {
  browserClient,
  startIdentityProvider,
  type TestIdentityProvider,
} from '../../harness/identity/identity-provider.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const BASE_URL = 'http://localhost:8005'
const TOKEN = 'canary-0123456789abcdef0123456789abcdef'
let provider: TestIdentityProvider

beforeAll(async () => {
  provider = await startIdentityProvider({
    resource: `${BASE_URL}/mcp`,
    clients: [browserClient('form', [`${BASE_URL}/credentials/callback`])],
  })
})
afterAll(() => provider.close())

const OIDC = () => ({
  MCP_SERVER_BASE_URL: BASE_URL,
  MCP_VAULT_BACKEND: 'memory',
  MCP_OIDC_ISSUER: provider.issuer,
  MCP_OIDC_CLIENT_ID: 'form',
})

async function tokenFile(text: string, mode = 0o600): Promise<string> {
  const path = join(await temporaryFolder(), 'scim-token')
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

/** Opens the vault as `start` does, and returns whether the admin API and SCIM answer, or the error. */
async function opened(environment: NodeJS.ProcessEnv) {
  try {
    const given = { audit: memoryAudit(), warn: () => undefined }
    const vault = await openVault(vaultOptionsFromEnvironment(environment, given))
    const paths = vault.openPaths.join(' ')
    await vault.close()
    return { admin: paths.includes('/credentials/admin'), error: undefined }
  } catch (error) {
    return { admin: false, error: errorOfEnvironment(environment, error) }
  }
}

async function refusal(environment: NodeJS.ProcessEnv): Promise<string> {
  const { error } = await opened(environment)
  if (!isCredentialVaultError(error, 'configuration_invalid', 'key_exposed')) throw error ?? new Error('it started')
  expect(error.message).not.toMatch(/canary|openVault\./)
  return error.message
}

test('each variable sets its option, and none of them leaves the API off', async () => {
  const options = (more: NodeJS.ProcessEnv) => vaultOptionsFromEnvironment({ ...OIDC(), ...more }).admin
  const scim = { MCP_SCIM_SUBJECT_FROM: 'userName', MCP_SCIM_TOKEN_FILE: '/token' }
  const set = { subjectFrom: 'userName', tokenFile: '/token' } as const
  expect(options({})).toBeUndefined()
  expect(options({ MCP_ADMIN_SCOPE: '', MCP_SCIM_ISSUER: '' })).toBeUndefined()
  expect(options({ MCP_ADMIN_SCOPE: 'ops' })).toEqual({ scope: 'ops' })
  expect(options(scim)).toEqual({ scim: { ...set, issuer: provider.issuer } })
  const issuer = 'https://other.example.com'
  expect(options({ ...scim, MCP_ADMIN_SCOPE: 'ops', MCP_SCIM_ISSUER: issuer })).toEqual({
    scope: 'ops',
    scim: { ...set, issuer },
  })
  expect((await opened(OIDC())).admin).toBe(false)
  expect((await opened({ ...OIDC(), MCP_ADMIN_SCOPE: 'ops' })).admin).toBe(true)
  const file = await tokenFile(`${TOKEN}\n`)
  expect(await opened({ ...OIDC(), ...scim, MCP_SCIM_TOKEN_FILE: file })).toEqual({ admin: true, error: undefined })
})

test('a start is refused with the name of the variable and what to do', async () => {
  const scim = { ...OIDC(), MCP_SCIM_SUBJECT_FROM: 'externalId' }
  const withFile = async (text: string, mode?: number) =>
    refusal({ ...scim, MCP_SCIM_TOKEN_FILE: await tokenFile(text, mode) })
  const rules =
    /^environment\.MCP_SCIM_TOKEN_FILE \(\S+\): the file must hold one token of 32 to 1024 characters.*openssl rand -hex 32$/
  expect(await withFile('canary-too-short')).toMatch(rules)
  expect(await withFile('')).toMatch(rules)
  expect(await withFile(`${TOKEN} ${TOKEN}`)).toMatch(rules)
  expect(await withFile(TOKEN, 0o644)).toMatch(
    /^environment\.MCP_SCIM_TOKEN_FILE \(\S+\): the file may be read by other users\. .*chmod/,
  )
  expect(await refusal({ ...scim, MCP_SCIM_TOKEN_FILE: `/${randomUUID()}` })).toMatch(
    /^environment\.MCP_SCIM_TOKEN_FILE \(\S+\): the file cannot be read\. Check that it exists/,
  )
  const otherIssuer = { ...scim, MCP_SCIM_TOKEN_FILE: await tokenFile(TOKEN), MCP_SCIM_ISSUER: `${provider.issuer}/` }
  expect(await refusal(otherIssuer)).toMatch(/^environment\.MCP_SCIM_ISSUER: no users come from this issuer/)
  const usersScope = { ...OIDC(), MCP_OIDC_SCOPES: 'mcp ops', MCP_ADMIN_SCOPE: 'ops' }
  expect(await refusal(usersScope)).toMatch(/^environment\.MCP_ADMIN_SCOPE: oidc requires this scope of every user/)
  const local = { MCP_SERVER_BASE_URL: BASE_URL, MCP_VAULT_BACKEND: 'memory', MCP_IDENTITY: 'local-user' }
  expect(await refusal({ ...local, MCP_ADMIN_SCOPE: 'ops' })).toMatch(
    /^environment\.MCP_ADMIN_SCOPE: it needs access tokens of an identity provider\. Set .*MCP_OIDC_ISSUER/,
  )
  const localScim = {
    ...local,
    MCP_SCIM_ISSUER: provider.issuer,
    MCP_SCIM_SUBJECT_FROM: 'userName',
    MCP_SCIM_TOKEN_FILE: await tokenFile(TOKEN),
  }
  expect(await refusal(localScim)).toMatch(/^environment\.MCP_SCIM_TOKEN_FILE: it needs access tokens/)
})

test('options in code are refused by their path, one entry like a list of one', async () => {
  const scim = { issuer: provider.issuer, subjectFrom: 'externalId', token: TOKEN } as const
  const message = async (admin: AdminOptions) => {
    const identity = oidc({ issuer: provider.issuer, clientId: 'form' })
    const { backend } = vaultOptionsFromEnvironment(OIDC())
    const opening = openVault({
      serverBaseUrl: BASE_URL,
      backend,
      identity,
      audit: memoryAudit(),
      warn: () => undefined,
      admin,
    })
    const error = await opening.then(
      async (vault) => vault.close(),
      (reason: unknown) => reason,
    )
    if (!isCredentialVaultError(error, 'configuration_invalid')) throw error ?? new Error('it opened')
    expect(error.message).not.toContain('canary')
    return error.message
  }
  for (const one of [{ ...scim, issuer: '' }, [{ ...scim, issuer: '' }]])
    expect(await message({ scim: one })).toBe('openVault.admin.scim[0].issuer: must not be empty. Correct it.')
  expect(await message({ scim: { ...scim, tokenFile: '/canary' } })).toContain(
    'openVault.admin.scim[0].tokenFile: give tokenFile or token, and not both',
  )
  expect(await message({ scim: { ...scim, token: 'canary' } })).toContain('openVault.admin.scim[0].token: must have 32')
  expect(await message({ scim: [scim, scim] })).toContain('two entries have the same token')
  expect(await message({ scim: [] })).toContain('openVault.admin.scim: must be at least 1')
  expect(await message({ operators: [] })).toContain('openVault.admin.operators: must be at least 1')
})

test('a mistyped name is named on standard error, with the variable that was meant', () => {
  const printed: string[] = []
  const environment = { MCP_SCIM_TOKENFILE: 'canary', MCP_SCIM_TOKEN: 'canary', MCP_ADMIN_ROLE: 'canary' }
  const terminal = {
    out: () => undefined,
    error: (text: string) => void printed.push(text),
    readSecret: async () => '',
  }
  warnOfUnknownVariables({ ...terminal, environment })
  const told = printed.join('')
  expect(told).toContain('MCP_SCIM_TOKENFILE is not read. Did you mean MCP_SCIM_TOKEN_FILE?')
  expect(told).toContain('the environment variable MCP_SCIM_TOKEN is not read.')
  expect(told).toContain('the environment variable MCP_ADMIN_ROLE is not read.')
  expect(told).not.toContain('canary')
})
