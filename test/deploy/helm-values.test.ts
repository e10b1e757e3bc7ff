import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isCredentialVaultError } from '../../src/core/model/errors.ts'
import { parseOptions } from '../../src/core/model/options.ts'
import { environmentVariables } from '../../src/vault/environment/known-variables.ts'
import { serverVariables } from '../../src/vault/environment/server-variables.ts'
import { vaultOptionsFromEnvironment } from '../../src/vault/environment/vault-options-from-environment.ts'
import { CHART, render, yamlDocuments } from '../harness/deploy/deploy-tools.ts'

interface Rule {
  readonly variables: readonly string[]
  readonly oneOf?: readonly string[]
  readonly from?: number
  readonly to?: number
  readonly list?: boolean
  readonly pattern?: string
  readonly addressPattern?: string
}

const [RULES]: [readonly Rule[]] = (await yamlDocuments(readFileSync(`${CHART}/variable-values.yaml`, 'utf8'))) as [
  readonly Rule[],
]
const ruleOf = (name: string) => RULES.find(({ variables }) => variables.includes(name))
const RULED = RULES.flatMap(({ variables }) => variables)

const COMMON = {
  MCP_SERVER_BASE_URL: 'https://mcp.example.com',
  MCP_OIDC_ISSUER: 'https://login.example.com',
  MCP_OIDC_CLIENT_ID: 'mcp-form',
}
const VAULT = { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: 'https://vault.example.com:8200' }
const login = (prefix: string) => ({ [`${prefix}ROLE`]: 'mcp', [`${prefix}AUTH_METHOD`]: 'kubernetes' })

/** The environment in which the server reads a variable, without it. */
function environmentFor(name: string): NodeJS.ProcessEnv {
  if (name.startsWith('VAULT_') || name.startsWith('MCP_SEALED_ENVELOPE') || name === 'MCP_CREDENTIAL_NAMES')
    return { ...COMMON, ...VAULT, ...login(/^VAULT_(?:READ_|WRITE_)/.exec(name)?.[0] ?? 'VAULT_') }
  if (/AWS_/.test(name)) return { ...COMMON, MCP_VAULT_BACKEND: 'aws-secrets-manager', AWS_REGION: 'eu-central-1' }
  const scim = { MCP_SCIM_TOKEN_FILE: '/run/secrets/scim', MCP_SCIM_SUBJECT_FROM: 'userName' }
  if (name.startsWith('MCP_OIDC_CLIENT_LOGIN_')) return { ...COMMON, MCP_OIDC_CLIENT_LOGIN: 'true' }
  if (name.startsWith('MCP_SCIM_')) return { ...COMMON, ...scim }
  if (name.startsWith('MCP_REDIS_SENTINEL')) return { ...COMMON, MCP_REDIS_SENTINEL_NAME: 'mcp', MCP_REDIS_TLS: 'true' }
  if (name === 'MCP_REDIS_CLUSTER_NODES') return { ...COMMON, MCP_REDIS_TLS: 'true' }
  if (name.startsWith('MCP_REDIS_')) return { ...COMMON, MCP_REDIS_URL: 'rediss://redis.example.com:6379' }
  return COMMON
}

/** Whether the server's own check of its variables refuses this value, and names the variable. */
function serverRefuses(name: string, value: string): boolean {
  const environment = { ...environmentFor(name), [name]: value }
  try {
    vaultOptionsFromEnvironment(environment)
    parseOptions(serverVariables, environment, 'environment')
    return false
  } catch (error) {
    if (!isCredentialVaultError(error)) throw error
    return new RegExp(`environment\\.${name}\\b`).test(error.message)
  }
}

const set = (name: string) => `${CHART}/ci/${name}-values.yaml`

describe('the values that the chart refuses', () => {
  // A key or password is refused in values by its name, a part of a login with that, a path is read at the start, and the chart sets some.
  const ELSEWHERE =
    /_KEY$|_FILE$|^MCP_VAULT_BACKEND$|^MCP_SERVER_BASE_URL$|^MCP_METRICS_HOST$|_ACCEPTED$|^MCP_LOCAL_|^VAULT_.*(?:TOKEN|ROLE_ID|SECRET_ID|CERT)$/

  test('are checked for each variable of which the server refuses a text that is none', () => {
    const checked = [...environmentVariables].filter((name) => !ELSEWHERE.test(name) && serverRefuses(name, '\u0007 ?'))
    expect(checked.length).toBeGreaterThan(35)
    expect(checked.filter((name) => !ruleOf(name))).toEqual([])
  })

  test.each(RULED.filter((name) => ruleOf(name)?.from !== undefined))("the range of %s is the server's", (name) => {
    const { from = 0, to = 0 } = ruleOf(name) ?? {}
    expect([from, to].map((value) => serverRefuses(name, String(value)))).toEqual([false, false])
    const beyond = [...(from > 0 ? [from - 1] : []), to + 1]
    expect(beyond.map((value) => serverRefuses(name, String(value)))).toEqual(beyond.map(() => true))
  })

  test.each(RULED.filter((name) => ruleOf(name)?.oneOf !== undefined && !name.endsWith('AUTH_METHOD')))(
    "the words of %s are the server's",
    (name) => {
      const words = ruleOf(name)?.oneOf ?? []
      // Memory beside a Redis is refused for another reason.
      const alone = words.filter((word) => word !== 'memory' && word !== 'redis')
      expect(alone.filter((word) => serverRefuses(name, word))).toEqual([])
      expect(serverRefuses(name, 'neither')).toBe(true)
    },
  )

  /** By variable, values that the server accepts: unusual ones, which a pattern easily forgets. */
  const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
    MCP_OIDC_ISSUER: ['https://login.example.com:8443/realms/mcp/', 'https://[2001:db8::1]/x'],
    MCP_OIDC_ISSUER_ALIASES: [
      'https://a.example.com https://b.example.com/',
      'https://a.example.com,https://b.example.com',
    ],
    MCP_REDIS_URL: ['rediss://redis', 'redis://[::1]:6379/3', 'redis://localhost/', 'rediss://10.0.0.1:6380/15'],
    MCP_REDIS_SENTINEL_NODES: ['[2001:db8::1]:26379, s-1:26379', '127.0.0.1:26379'],
    MCP_REDIS_CLUSTER_NODES: ['r-0.redis.svc:6379', '10.0.0.1:1'],
    MCP_REDIS_PREFIX: ['a', 'team:mcp_1.x-'],
    VAULT_ADDR: ['https://vault:8200/', 'http://127.0.0.2:8100', 'http://[::1]:8200', 'https://a:8200,https://b:8200'],
    VAULT_KV_MOUNT: ['secret', 'team/kv-2'],
    VAULT_KV_PREFIX: ['mcp', 'a/b_c/D1'],
    VAULT_NAMESPACE: ['team', 'team/a'],
    VAULT_AUTH_NAMESPACE: ['team', 'team/a'],
    VAULT_AUTH_MOUNT: ['kubernetes', 'clusters/one'],
    VAULT_READ_AUTH_MOUNT: ['kubernetes', 'clusters/one'],
    VAULT_WRITE_AUTH_MOUNT: ['kubernetes', 'clusters/one'],
    MCP_AWS_PREFIX: ['mcp', 'team/mcp', 'a_b+c=d.e@f-g'],
    AWS_REGION: ['eu-central-1', 'us-gov-west-1'],
    AWS_DEFAULT_REGION: ['eu-central-1', 'us-gov-west-1'],
    AWS_ENDPOINT_URL_SECRETS_MANAGER: ['https://vpce-1.example.com', 'http://localhost:4566'],
    MCP_AUDIT_ANCHOR: ['stdout', 'stderr', 'https://anchor.example.com:8443/x?y=z', 'http://localhost:9/x'],
    MCP_ALLOWED_ORIGINS: ['https://inspector.example.com:8443', 'http://localhost:6274 https://x.example.com'],
    MCP_OIDC_AUDIENCE: [
      'http',
      'https',
      'h',
      'httpx',
      'api://tickets/mcp',
      'urn:x#y',
      'http://localhost:1/mcp',
      'https://x.example.com/?y',
    ],
    MCP_OIDC_SUBJECT_CLAIM: ['oid', 'https://example.com/id'],
    MCP_OIDC_ID_TOKEN_SUBJECT_CLAIM: ['oid', 'https://example.com/id'],
    MCP_OIDC_SCOPES: ['openid api://x/mcp', 'a,b'],
    MCP_ADMIN_SCOPE: ['mcp:admin', 'api://x/admin'],
    MCP_OIDC_DISPLAY_NAME: ['Example & Söhne', 'x'],
    MCP_OIDC_ACR_VALUES: ['urn:mace:incommon:iap:silver phr', '2'],
    MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS: [
      'https://a.example.com/cb?x=y cursor://x/cb',
      'h:/cb',
      'ht:/cb',
      'httpx:/cb',
      'html-app:/cb',
    ],
    MCP_OIDC_CLIENT_LOGIN_METADATA_HOSTS: ['claude.ai clients.example.com:8443', '10.0.0.1'],
    MCP_OIDC_CLIENT_LOGIN_SCOPES: ['mcp=api://tickets/mcp offline_access=offline_access', 'a=b=c'],
    MCP_OIDC_CLIENT_LOGIN_PARAMETERS: ['audience=https://x.example.com/', 'prompt=login'],
    MCP_SCIM_ISSUER: ['https://login.example.com', 'https://login.example.com:8443/realms/mcp/'],
  }

  test.each(RULED.filter((name) => ruleOf(name)?.pattern !== undefined))('leave %s what the server accepts', (name) => {
    const { list, pattern = '', addressPattern } = ruleOf(name) ?? {}
    const values = ACCEPTED[name] ?? []
    expect(values).not.toEqual([])
    expect(values.filter((value) => serverRefuses(name, value))).toEqual([])
    const patternOf = (word: string) => (/^https?:/.test(word) ? (addressPattern ?? pattern) : pattern)
    const fits = (word: string) => new RegExp(patternOf(word)).test(word)
    expect(values.filter((value) => !(list ? value.split(/[\s,]+/) : [value]).every(fits))).toEqual([])
  })

  test('the chart knows every variable of its rules', () => {
    const aws = new Set(['AWS_REGION', 'AWS_DEFAULT_REGION'])
    expect(RULED.filter((name) => !environmentVariables.has(name) && !aws.has(name))).toEqual([])
    expect(new Set(RULED).size).toBe(RULED.length)
  })
})

async function refused(base: string, values: readonly string[], message: RegExp): Promise<void> {
  const { code, error } = await render([set(base)], values)
  expect(code, `rendered with ${values.join(' ')}`).not.toBe(0)
  expect(error).toMatch(message)
}

describe('an operator is told the value and what to set', () => {
  test.each([
    ['a number out of range', 'MCP_CACHE_SECONDS=301', /MCP_CACHE_SECONDS: it must be a whole number from 0 to 300/],
    ['a number that is none', 'MCP_LINK_TTL_SECONDS=10m', /MCP_LINK_TTL_SECONDS: it must be a whole number from 60/],
    ['a level of logs', 'MCP_LOG_LEVEL=verbose', /MCP_LOG_LEVEL: it must be one of debug, info, warn, error\. Correct/],
    ['a flag', 'MCP_REDIS_TLS=yes', /MCP_REDIS_TLS: it must be one of true, false/],
    ['an issuer without its scheme', 'MCP_OIDC_ISSUER=login.example.com', /MCP_OIDC_ISSUER: it must be the https:/],
    ['Redis without its scheme', 'MCP_REDIS_URL=redis.example.com:6379', /MCP_REDIS_URL: it must be rediss:/],
    ['an audience by http', 'MCP_OIDC_AUDIENCE=http://x.example.com', /MCP_OIDC_AUDIENCE: it must be the value/],
    ['Redis by http', 'MCP_REDIS_URL=https://redis.example.com:6379', /MCP_REDIS_URL: it must be rediss:/],
    ['Redis without TLS', 'MCP_REDIS_URL=redis://redis.example.com:6379', /MCP_REDIS_URL: without TLS .*rediss:/],
    ['Vault without its scheme', 'VAULT_ADDR=vault.example.com:8200', /VAULT_ADDR: it must be https:/],
    ['Vault with its path', 'VAULT_ADDR=https://vault.example.com/v1', /VAULT_ADDR: it must be https:/],
    ['a method of login', 'VAULT_READ_AUTH_METHOD=k8s', /VAULT_READ_AUTH_METHOD: it must be one of kubernetes, jwt/],
    ['the second word of a list', 'MCP_OIDC_ALGORITHMS=RS256 HS256', /MCP_OIDC_ALGORITHMS: it must be one of RS256/],
    [
      'a redirect URI without TLS',
      'MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS=http://app.example.com/cb',
      /MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS: it must be redirect URIs/,
    ],
    [
      'a host with its scheme',
      'MCP_OIDC_CLIENT_LOGIN_METADATA_HOSTS=https://claude.ai',
      /MCP_OIDC_CLIENT_LOGIN_METADATA_HOSTS: it must be hosts/,
    ],
    ['a list without a word', 'MCP_ALLOWED_ORIGINS= ', /MCP_ALLOWED_ORIGINS: it must be origins/],
  ])('%s', (_, value, message) => refused('replicas', [`environment.${value}`], message))

  test.each([
    ['without https', 'http://mcp.example.com', /serverBaseUrl: it must begin with https:/],
    ['without a scheme', 'mcp.example.com', /serverBaseUrl: it must begin with https:/],
    ['that ends in /mcp', 'https://mcp.example.com/mcp', /serverBaseUrl: it ends in \/mcp.*Set the same without/],
    ['that ends in /mcp/', 'https://mcp.example.com/team/mcp/', /serverBaseUrl: it ends in \/mcp/],
    ['with a user', 'https://me@mcp.example.com', /serverBaseUrl: it must be a host/],
  ])('a base URL %s', (_, value, message) => refused('replicas', [`serverBaseUrl=${value}`], message))

  test.each([
    [
      'no token for the kubernetes method',
      'replicas',
      ['all.serviceAccountToken.variables={VAULT_READ_JWT_FILE}'],
      /all\.serviceAccountToken\.variables: .*Add VAULT_WRITE_JWT_FILE/,
    ],
    ['no role', 'replicas', ['environment.VAULT_READ_ROLE='], /environment\.VAULT_READ_ROLE: .*kubernetes needs it/],
    [
      'no login',
      'replicas',
      [
        'environment.VAULT_READ_AUTH_METHOD=',
        'environment.VAULT_READ_ROLE=',
        'all.serviceAccountToken.variables={VAULT_WRITE_JWT_FILE}',
      ],
      /environment\.VAULT_READ_AUTH_METHOD: nothing says how the server/,
    ],
    [
      'a role without its method',
      'replicas',
      ['environment.VAULT_READ_AUTH_METHOD='],
      /VAULT_READ_AUTH_METHOD: .*for which login/,
    ],
    [
      'what another method needs',
      'replicas',
      ['environment.VAULT_READ_AUTH_METHOD=approle'],
      /VAULT_READ_JWT_FILE: it has no part/,
    ],
    [
      'no login of a tier',
      'split-tiers',
      [
        'form.environment.VAULT_WRITE_AUTH_METHOD=',
        'form.environment.VAULT_WRITE_ROLE=',
        'form.serviceAccountToken.variables=null',
      ],
      /VAULT_WRITE_AUTH_METHOD: nothing says how the form tier/,
    ],
    [
      'Sentinels without TLS',
      'split-tiers',
      ['environment.MCP_REDIS_TLS=false'],
      /MCP_REDIS_SENTINEL_NODES: without TLS .*Set MCP_REDIS_TLS/,
    ],
    [
      'TLS for an address without it',
      'replicas',
      ['environment.MCP_REDIS_URL=redis://redis:6379', 'environment.MCP_REDIS_TLS=true'],
      /MCP_REDIS_URL: it begins with redis:/,
    ],
  ])('%s', (_, base, values, message) => refused(base, values, message))
})

describe('good values', () => {
  test.each([
    ['Redis in the same pod', ['environment.MCP_REDIS_URL=redis://127.0.0.1:6379/1']],
    [
      'Redis in a trusted network',
      ['environment.MCP_REDIS_URL=redis://redis:6379', 'environment.MCP_REDIS_DANGEROUSLY_ALLOW_PLAINTEXT=true'],
    ],
    ['an audience that is the word http', ['environment.MCP_OIDC_AUDIENCE=http']],
    ['an agent in the same pod', ['environment.VAULT_ADDR=http://127.0.0.1:8200']],
    ['an issuer with a path and a slash', ['environment.MCP_OIDC_ISSUER=https://login.example.com/realms/mcp/']],
    ['several words', ['environment.MCP_OIDC_ALGORITHMS=RS256 ES256', 'environment.MCP_OIDC_SCOPES=mcp:tools jira']],
    ['a base URL with port and path', ['serverBaseUrl=https://mcp.example.com:8443/team/mcp-tools']],
    [
      'the login of MCP clients',
      [
        'environment.MCP_OIDC_CLIENT_LOGIN=true',
        'environment.MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS=https://claude.ai/api/mcp/auth_callback cursor://x/cb html-app:/cb',
        'environment.MCP_OIDC_CLIENT_LOGIN_METADATA_HOSTS=claude.ai clients.example.com:8443',
        'environment.MCP_OIDC_CLIENT_LOGIN_SCOPES=mcp=api://tickets/mcp offline_access=offline_access',
        'environment.MCP_OIDC_CLIENT_LOGIN_REMEMBER_DAYS=30',
      ],
    ],
    ['one number of two digits', ['environment.MCP_CACHE_SECONDS=30']],
  ])('%s', async (_, values) => {
    const { code, error } = await render([set('replicas')], values)
    expect(code, error).toBe(0)
  })

  test.each([
    ['Sentinels in the same pod', ['environment.MCP_REDIS_SENTINEL_NODES=127.0.0.1:26379 [::1]:26379'], 0],
    ['one Sentinel elsewhere', ['environment.MCP_REDIS_SENTINEL_NODES=127.0.0.1:26379 sentinel-1:26379'], 1],
    [
      'a Sentinel whose name begins as an address of this machine',
      ['environment.MCP_REDIS_SENTINEL_NODES=127.0.0.1.example.com:26379'],
      1,
    ],
  ])('without TLS, %s', async (_, values, code) => {
    const plain = await render(
      [set('split-tiers')],
      ['environment.MCP_REDIS_TLS=false', 'networkPolicy.enabled=false', ...values],
    )
    expect(plain.code, plain.error).toBe(code)
    if (code !== 0) expect(plain.error).toMatch(/MCP_REDIS_SENTINEL_NODES: without TLS/)
  })

  test('a large number arrives as it is written', async () => {
    const { out } = await render([set('replicas')], ['tools.environment.PROJECT=12345678'])
    expect(out).toMatch(/name: PROJECT\s+value: "12345678"/)
  })
})
