import fc from 'fast-check'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { checkFormValues, malformedFields } from '../../../src/core/model/form-values.ts'
import { parseOptions } from '../../../src/core/model/options.ts'
import { checkOwner } from '../../../src/core/model/owner.ts'
import { defineVariables, type VariablesOptions } from '../../../src/core/model/variables.ts'
import { checkServerBaseUrl } from '../../../src/core/network/server-base-url.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { createStores } from '../../../src/vault/environment/create-stores.ts'
import { vaultOptionsFromEnvironment } from '../../../src/vault/environment/vault-options-from-environment.ts'
import { openVaultOptions } from '../../../src/vault/parts/open-vault-options.ts'
import { ownerFromAuthInfo } from '../../../src/vault/parts/owner-from-auth-info.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import type { CredentialsProviderOptions } from '../../../src/vault/provider/credentials-provider-options.ts'
import { mustHold, target } from '../target.ts'
import { anyText, anyValue, nameLike, optionsLike, textLike } from '../texts.ts'

const variable = optionsLike({
  label: textLike('Token'),
  type: fc.constantFrom('string', 'password', 'url', 'textarea'),
  hint: anyText,
  required: fc.boolean(),
  pattern: fc.constantFrom(/^[a-z]+$/i, /a|b/g, /(x)\1/u, /./y),
  maxLength: fc.integer({ min: -1, max: 20_000 }),
  allowedHosts: fc.array(textLike('jira.example.com', '*.example.com', 'http://[::1]:8080', 'a.example:443'), {
    maxLength: 3,
  }),
  secret: fc.boolean(),
})
const variableName = nameLike('pat', 'base_url', 'toString', '__proto__', 'constructor')
const variables = fc.oneof(fc.dictionary(variableName, variable, { maxKeys: 4 }), anyValue())

const form = defineVariables({
  pat: { label: 'Token', type: 'password', maxLength: 200 },
  site: { label: 'Site', type: 'url', allowedHosts: ['*.example.com', 'http://localhost:8080'] },
  notes: { label: 'Notes', type: 'textarea', required: false },
  code: { label: 'Code', required: false, pattern: /[A-Z]{3}/ },
})

const url = textLike('https://mcp.example.com/base/', 'http://localhost:3000', 'http://[::1]:8080/', 'http://127.1/')

const backend = memoryBackend()
const vaultOptions = optionsLike({
  serverBaseUrl: url,
  backend: fc.constant(backend),
  webKey: anyText,
  cacheSeconds: fc.double(),
  linkTtlSeconds: fc.integer(),
  sessionIdleSeconds: fc.integer({ min: 0, max: 90_000 }),
  trustedProxies: fc.integer({ min: -1, max: 12 }),
  serverName: anyText,
  rateLimits: fc.dictionary(fc.constantFrom('pagesPerMinute', 'loginsPerMinute', 'x'), fc.integer()),
  allowedOrigins: fc.array(url, { maxLength: 3 }),
})

const oidcOptions = optionsLike({
  issuer: textLike('https://login.example.com/realms/a', 'http://127.0.0.1:9000'),
  clientId: anyText,
  clientSecret: anyText,
  audience: textLike('https://mcp.example.com/mcp', 'api://x'),
  scopes: fc.array(textLike('mcp:tools'), { maxLength: 3 }),
  loginScopes: textLike('openid profile'),
  algorithms: fc.array(fc.constantFrom('RS256', 'HS256', 'none', 'EdDSA'), { maxLength: 3 }),
  subjectClaim: textLike('sub', 'oid', 'email'),
  issuerAliases: fc.array(url, { maxLength: 2 }),
  clockToleranceSeconds: fc.double(),
})

const environment = fc.dictionary(
  fc.constantFrom(
    ...[
      'MCP_SERVER_BASE_URL',
      'MCP_SERVER_NAME',
      'MCP_IDENTITY',
      'MCP_OIDC_ISSUER',
      'MCP_OIDC_CLIENT_ID',
      'MCP_OIDC_AUDIENCE',
    ],
    ...['MCP_OIDC_SCOPES', 'MCP_LOCAL_USER', 'MCP_LOCAL_ACCESS_TOKEN', 'MCP_LINK_TTL_SECONDS', 'MCP_TRUSTED_PROXIES'],
    ...['MCP_VAULT_BACKEND', 'MCP_VAULT_FOLDER', 'MCP_VAULT_KEY', 'MCP_PENDING_STORE', 'MCP_AUDIT_FOLDER'],
  ),
  textLike('https://mcp.example.com', 'oidc', 'local-user', '600', 'sealed-file', 'memory', './data'),
)

const providerOptions = optionsLike({
  name: textLike('jira', 'git-hub'),
  label: anyText,
  variables,
  doc: anyText,
  tokenTimeoutSeconds: fc.integer(),
  referenceTtlSeconds: fc.integer(),
  destinations: fc.array(
    optionsLike({
      origin: url,
      fromField: textLike('base_url'),
      header: optionsLike({
        scheme: textLike('Bearer', 'Basic'),
        field: textLike('pat'),
        name: textLike('X-Key'),
        prefix: anyText,
      }),
      allowPrivateAddresses: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
  guardShortSecrets: fc.boolean(),
})

// What the compiler would refuse, and a JavaScript user writes all the same.
const untyped = <T>(value: unknown): T => value as T

export const configuration = [
  target(
    'variables',
    variables,
    (options) => {
      const defined = defineVariables(untyped<VariablesOptions>(options))
      mustHold(defined.length > 0 && defined.every(({ name }) => /^[a-zA-Z]\w*$/.test(name)), 'a strange variable')
    },
    { weight: 30 },
  ),
  target(
    'form values',
    fc.record({
      pat: fc.oneof(textLike('token-123'), anyValue()),
      site: textLike('https://jira.example.com/x', 'http://localhost:8080/', 'https://user:pw@a.example.com'),
      notes: fc.oneof(anyText, fc.constant('line\r\nline')),
      code: textLike('ABC'),
    }),
    (fields) => {
      const check = checkFormValues(form, new Map(Object.entries(fields)))
      if (!check.ok) return mustHold(check.problems.size > 0 || check.tooLarge, 'refused without a problem')
      mustHold(malformedFields(form, check.values).length === 0, 'accepted, and malformed when read')
      for (const value of Object.values(check.values)) mustHold(!/[^\P{Cc}\n\t]/u.test(value), 'a control character')
      const { hostname } = new URL(check.values['site'] ?? '')
      mustHold(hostname.endsWith('.example.com') || hostname === 'localhost', 'another host')
    },
    { weight: 50 },
  ),
  target(
    'server base URL',
    url,
    (text) => {
      const checked = checkServerBaseUrl(text, 'serverBaseUrl')
      mustHold(checked.protocol === 'https:' || /^(localhost|\[::1\]|127\.)/.test(checked.hostname), 'plain http')
      mustHold(checked.username + checked.password + checked.search + checked.hash === '', 'more than origin and path')
    },
    { weight: 50 },
  ),
  target('openVault options', vaultOptions, (options) => void parseOptions(openVaultOptions, options, 'openVault'), {
    weight: 20,
  }),
  target('oidc options', oidcOptions, (options) => void oidc(untyped(options)), { weight: 20 }),
  target(
    'localUser options',
    optionsLike({ name: anyText, accessToken: textLike('a'.repeat(40)) }),
    (options) => void localUser(options),
    { weight: 20 },
  ),
  target(
    'provider options',
    providerOptions,
    (options) => void new CredentialsProvider(untyped<CredentialsProviderOptions<VariablesOptions>>(options)),
    {
      weight: 15,
    },
  ),
  target('options of any kind', anyValue(), (options) => {
    const attempts = [
      () => oidc(untyped(options)),
      () => new CredentialsProvider(untyped<CredentialsProviderOptions<VariablesOptions>>(options)),
      () => parseOptions(openVaultOptions, options, 'openVault'),
    ]
    const accepted = attempts.filter((attempt) => {
      try {
        attempt()
        return true
      } catch (error) {
        if (error instanceof Error && error.name === 'CredentialVaultError') return false
        throw error
      }
    })
    mustHold(accepted.length === 0, 'noise is accepted as options')
  }),
  target(
    'environment',
    environment,
    (variables) => {
      createStores(variables)
      vaultOptionsFromEnvironment(variables)
    },
    { weight: 20 },
  ),
  target(
    'owner from auth info',
    fc.oneof(
      anyValue(),
      fc.record({
        clientId: anyText,
        extra: fc.record({ iss: anyText, sub: anyText, name: anyText }, { requiredKeys: [] }),
      }),
    ),
    (authInfo) => {
      const owner = ownerFromAuthInfo(authInfo)
      if (owner) checkOwner(owner)
    },
    { weight: 30 },
  ),
]
