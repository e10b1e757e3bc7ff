import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { vaultOptionsFromEnvironment } from '../../../src/vault/environment/vault-options-from-environment.ts'
import { compiled } from '../../harness/processes/compile-module.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const main = compiled(join(import.meta.dirname, '../../../src/cli/main.ts'))
const BASE = { MCP_SERVER_BASE_URL: 'https://mcp.example.com', MCP_VAULT_BACKEND: 'memory' }
const OIDC = { ...BASE, MCP_OIDC_ISSUER: 'https://login.example.com', MCP_OIDC_CLIENT_ID: 'mcp-form' }
const SCIM = { ...OIDC, MCP_SCIM_SUBJECT_FROM: 'externalId', MCP_SCIM_TOKEN_FILE: '/token' }
const VAULT = { ...BASE, MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: 'https://vault.example.com:8200', VAULT_TOKEN: 't' }
const APPROLE = { ...VAULT, VAULT_TOKEN: '', VAULT_AUTH_METHOD: 'approle', VAULT_ROLE_ID: 'r', VAULT_SECRET_ID: 's' }
const AWS = { ...BASE, MCP_VAULT_BACKEND: 'aws-secrets-manager', AWS_REGION: 'eu-central-1' }
const READ = { VAULT_TOKEN: '', VAULT_READ_AUTH_METHOD: 'jwt', VAULT_READ_ROLE: 'r', VAULT_READ_JWT_FILE: '/jwt' }

/** What is in no message: a variable may hold a key by mistake. */
const WRONG = 'canary example'

test.each([
  [BASE, 'MCP_SERVER_BASE_URL', 'mcp.example.com', 'must be an absolute URL such as https://mcp.example.com'],
  [BASE, 'MCP_SERVER_BASE_URL', 'http://mcp.example.com', 'must be https'],
  [OIDC, 'MCP_SERVER_BASE_URL', WRONG, 'must be an absolute URL'],
  [OIDC, 'MCP_SERVER_BASE_URL', 'https://mcp.example.com/mcp', 'Set the same URL without /mcp'],
  [OIDC, 'MCP_SERVER_BASE_URL', 'https://mcp.example.com/base/mcp/', 'Set the same URL without /mcp'],
  [OIDC, 'MCP_OIDC_ISSUER', 'login.example.com', 'must be the URL of an issuer'],
  [OIDC, 'MCP_OIDC_ISSUER', 'http://login.example.com', 'must be https'],
  [OIDC, 'MCP_OIDC_ISSUER_ALIASES', 'https://a.example.com login.example.com', 'must be the URL of an issuer'],
  [OIDC, 'MCP_OIDC_DISPLAY_NAME', 'n'.repeat(101), 'must be at most'],
  [OIDC, 'MCP_OIDC_AUDIENCE', 'http://mcp.example.com/mcp', 'must be https'],
  [OIDC, 'MCP_OIDC_SUBJECT_CLAIM', 'email', 'must be a claim'],
  [OIDC, 'MCP_OIDC_ID_TOKEN_SUBJECT_CLAIM', 'email', 'must be a claim'],
  [OIDC, 'MCP_OIDC_MAX_AUTH_AGE_SECONDS', '86401', 'must be at most'],
  [OIDC, 'MCP_OIDC_SCOPES', 'mcp "', 'must be one value'],
  [OIDC, 'MCP_OIDC_ALGORITHMS', 'HS256', 'must be one of'],
  [BASE, 'MCP_ALLOWED_ORIGINS', 'https://a.example.com/path', 'must be an origin'],
  [BASE, 'MCP_CACHE_SECONDS', '301', 'must be at most'],
  [BASE, 'MCP_LINK_TTL_SECONDS', '59', 'must be at least'],
  [BASE, 'MCP_SESSION_IDLE_SECONDS', '1', 'must be at least'],
  [BASE, 'MCP_SESSION_MAX_SECONDS', '1', 'must be at least'],
  [BASE, 'MCP_TRUSTED_PROXIES', '11', 'must be at most'],
  [BASE, 'MCP_SERVER_NAME', 'n'.repeat(101), 'must be at most'],
  [BASE, 'MCP_PAGES_PER_MINUTE', '0', 'must be at least'],
  [BASE, 'MCP_LOGINS_PER_MINUTE', '0', 'must be at least'],
  [BASE, 'MCP_SUBMITS_PER_MINUTE', '0', 'must be at least'],
  [BASE, 'MCP_LOGINS_PER_MINUTE', WRONG, 'must be a whole number'],
  [BASE, 'MCP_AUDIT_ANCHOR', 'anchors.example.com', 'set it to stdout, stderr or the URL of a webhook'],
  [BASE, 'MCP_AUDIT_ANCHOR', 'http://anchors.example.com', 'must be'],
  [BASE, 'MCP_AUDIT_KEEP_DAYS', '1', 'must be at least'],
  [BASE, 'MCP_AUDIT_SEGMENT_MEGABYTES', '2000', 'must be at most'],
  [BASE, 'MCP_AUDIT_SUBJECTS', WRONG, 'must be one of'],
  [VAULT, 'VAULT_ADDR', 'vault.example.com', 'must be https://host:port or unix:///path'],
  [VAULT, 'VAULT_ADDR', 'https://vault.example.com:8200 vault-2.example.com', 'must be https://host:port'],
  [VAULT, 'VAULT_ADDR', 'http://vault.example.com:8200', 'would send tokens and credentials in clear'],
  [VAULT, 'VAULT_KV_MOUNT', '/secret/', 'must be letters'],
  [VAULT, 'VAULT_KV_PREFIX', WRONG, 'must be letters'],
  [VAULT, 'VAULT_NAMESPACE', WRONG, 'must be letters'],
  [VAULT, 'VAULT_AUTH_NAMESPACE', WRONG, 'must be letters'],
  [APPROLE, 'VAULT_AUTH_MOUNT', WRONG, 'must be'],
  [{ ...VAULT, ...READ }, 'VAULT_READ_AUTH_MOUNT', WRONG, 'must be'],
  [APPROLE, 'VAULT_SECRET_ID', '', 'VAULT_SECRET_ID_FILE'],
  [APPROLE, 'VAULT_JWT_FILE', WRONG, 'has no part in VAULT_AUTH_METHOD=approle'],
  [{ ...APPROLE, VAULT_SECRET_ID_FILE: '/secret' }, 'VAULT_SECRET_ID', 'canary', 'VAULT_SECRET_ID_FILE'],
  [{ ...VAULT, VAULT_CLIENT_KEY: '' }, 'VAULT_CLIENT_CERT', '/cert', 'belong together'],
  [AWS, 'AWS_ENDPOINT_URL_SECRETS_MANAGER', 'localhost:4566', 'must be an absolute URL'],
  [AWS, 'MCP_AWS_PREFIX', WRONG, 'must be letters'],
  [AWS, 'MCP_CREDENTIAL_NAMES', WRONG, 'must be one of'],
  [BASE, 'MCP_LOCAL_ACCESS_TOKEN', 'short', ''],
  [OIDC, 'MCP_ADMIN_SCOPE', WRONG, 'must be one scope, without spaces'],
  [OIDC, 'MCP_ADMIN_SCOPE', 's'.repeat(201), 'must be one scope'],
  [SCIM, 'MCP_SCIM_SUBJECT_FROM', 'email', 'must be one of externalId, userName'],
  [SCIM, 'MCP_SCIM_SUBJECT_FROM', 'ExternalID', 'must be one of externalId, userName'],
  [SCIM, 'MCP_SCIM_ISSUER', 'i'.repeat(1025), 'must be at most'],
  [SCIM, 'MCP_SCIM_TOKEN_FILE', '', 'SCIM needs MCP_SCIM_TOKEN_FILE, MCP_SCIM_SUBJECT_FROM, and MCP_SCIM_ISSUER'],
  [{ ...OIDC, MCP_SCIM_ISSUER: 'https://i.example.com' }, 'MCP_SCIM_TOKEN_FILE', '', 'Set all, or none.'],
  [{ ...OIDC, MCP_SCIM_SUBJECT_FROM: 'userName' }, 'MCP_SCIM_TOKEN_FILE', '', 'Set all, or none.'],
  [OIDC, 'MCP_SCIM_TOKEN_FILE', '/canary', 'Set all, or none.'],
  [{ ...BASE, MCP_SCIM_SUBJECT_FROM: 'userName' }, 'MCP_SCIM_TOKEN_FILE', '/canary', 'or MCP_OIDC_ISSUER'],
] as const)('F10: %#. the error of a wrong variable names it: %s', (environment, name, value, says) => {
  const local = name.startsWith('MCP_LOCAL') ? { MCP_IDENTITY: 'local-user' } : {}
  let thrown: unknown
  try {
    vaultOptionsFromEnvironment({ ...environment, ...local, [name]: value })
  } catch (error) {
    thrown = error
  }
  if (!isCredentialVaultError(thrown, 'configuration_invalid')) throw thrown ?? new Error('it was accepted')
  expect(thrown.message).toContain(`environment.${name}`)
  expect(thrown.message).toContain(says)
  // What to do next, in a sentence or a clause of its own.
  expect(thrown.message).toMatch(
    /(?:[.;:,] |, or )(?:Correct|Set|Unset|Use|Write|Keep|Begin|Give|List|Name|set|use|write|give|unset)\b/,
  )
  expect(thrown.message).not.toMatch(/canary|(openVault|oidc|vaultBackend|jsonLinesAudit|localUser|webhookAnchor)\./)
})

test('F10: an option that code gave is not said to be a variable', () => {
  const made = () => vaultOptionsFromEnvironment({ ...BASE, MCP_CACHE_SECONDS: '10' }, { cacheSeconds: 1000 })
  expect(made).toThrow(/^openVault\.cacheSeconds: must be at most 300/)
  expect(made).not.toThrow('MCP_CACHE_SECONDS')
})

test.each([
  ['MCP_SERVER_BASE_URL', 'mcp.example.com', 'must be an absolute URL such as https://mcp.example.com'],
  ['MCP_CACHE_SECONDS', '999', 'must be at most'],
])('F10: start says it in one line: %s', async (name, value, says) => {
  const folder = await temporaryFolder()
  const module = join(folder, 'tools.mjs')
  await writeFile(module, 'export default () => {}\n')
  const { status, stderr } = spawnSync(process.execPath, [main, 'start', module, '--port', '0'], {
    encoding: 'utf8',
    timeout: 100_000,
    env: {
      PATH: process.env['PATH'],
      MCP_SERVER_BASE_URL: 'http://localhost:8005',
      MCP_VAULT_FOLDER: join(folder, 'data'),
      MCP_VAULT_KEY: generateKeyText(),
      [name]: value,
    },
  })
  expect(status).toBe(1)
  expect(stderr).toMatch(new RegExp(`^mcp-credential-vault start: environment\\.${name}: ${says}.*\\n$`))
})

test('F10: start names a --host that is none', async () => {
  const folder = await temporaryFolder()
  const module = join(folder, 'tools.mjs')
  await writeFile(module, 'export default () => {}\n')
  const parameters = [main, 'start', module, '--port', '0', '--host', 'not a host']
  const { status, stderr } = spawnSync(process.execPath, parameters, {
    encoding: 'utf8',
    timeout: 100_000,
    env: { PATH: process.env['PATH'], MCP_SERVER_BASE_URL: 'http://localhost:8005', MCP_VAULT_BACKEND: 'memory' },
  })
  expect(status).toBe(1)
  expect(stderr).toMatch(/^mcp-credential-vault start: .*--host.*\n$/)
})

test.each([
  ['VAULT_READ_ROLE_ID', 'Set it to approle'],
  ['VAULT_WRITE_JWT_FILE', 'Set it to kubernetes or jwt'],
  ['VAULT_READ_AUTH_MOUNT', 'Set it to approle or kubernetes or jwt or cert'],
])('%s without its method is an error, and no login that is left out', (name, text) => {
  const prefix = name.startsWith('VAULT_READ') ? 'VAULT_READ_' : 'VAULT_WRITE_'
  const other = prefix === 'VAULT_READ_' ? 'VAULT_WRITE_' : 'VAULT_READ_'
  const environment = { ...VAULT, VAULT_TOKEN: '', [`${other}TOKEN`]: 't', [name]: WRONG }
  const made = () => vaultOptionsFromEnvironment(environment)
  expect(made).toThrow(`environment.${prefix}AUTH_METHOD: ${name} is set, and nothing says for which login. ${text}`)
  expect(made).not.toThrow(WRONG)
})
