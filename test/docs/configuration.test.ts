import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const page = read('docs/configuration.md')
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)

interface Documented {
  readonly heading: string
  readonly file: string
  /** Interfaces or types whose members are options. */
  readonly types: readonly string[]
  /** Constants that hold a zod object. */
  readonly schemas: readonly string[]
}

/** The one source of this name, or with this end of its path: files move between folders. */
function sourceOf(file: string): string {
  const found = sources.filter((path) => path === file || path.endsWith(`/${file}`))
  expect(found, file).toHaveLength(1)
  return read(`src/${found[0]}`)
}

const DOCUMENTED: readonly Documented[] = [
  { heading: 'openVault', file: 'open-vault-options.ts', types: ['OpenVaultOptions'], schemas: ['openVaultOptions'] },
  { heading: 'admin', file: 'web/admin/admin-options.ts', types: ['AdminOptions'], schemas: ['adminSchema'] },
  { heading: 'admin scim', file: 'web/admin/admin-options.ts', types: ['ScimOptions'], schemas: ['scimSchema'] },
  { heading: 'healthRoutes', file: 'health-routes.ts', types: ['HealthRoutesOptions'], schemas: ['optionsSchema'] },
  { heading: 'close', file: 'vault/parts/closing.ts', types: ['CloseOptions'], schemas: ['closeOptions'] },
  { heading: 'openLocalVault', file: 'open-local-vault.ts', types: ['LocalVaultOptions'], schemas: [] },
  { heading: 'openVault', file: 'page-limits.ts', types: ['RateLimitOptions'], schemas: [] },
  {
    heading: 'CredentialsProvider',
    file: 'credentials-provider-options.ts',
    types: ['CredentialsProviderOptions'],
    schemas: ['credentialsProviderOptions'],
  },
  { heading: 'CredentialsProvider', file: 'provider-vault.ts', types: ['OwnVaultOptions'], schemas: [] },
  {
    heading: 'httpCheck',
    file: 'destinations/http-check.ts',
    types: ['HttpCheckOptions'],
    schemas: ['httpCheckSchema'],
  },
  { heading: 'Variables', file: 'model/variables.ts', types: ['VariableOptions'], schemas: ['variableSchema'] },
  {
    heading: 'Destinations',
    file: 'destinations/destination.ts',
    types: ['DestinationOptions'],
    schemas: ['destinationSchema', 'common'],
  },
  {
    heading: 'Destinations',
    file: 'destinations/credential-header.ts',
    types: ['HeaderOptions'],
    schemas: ['headerSchema'],
  },
  { heading: 'oidc', file: 'identity/oidc-options.ts', types: ['OidcOptions'], schemas: ['oidcOptions'] },
  {
    heading: 'oidc introspection',
    file: 'introspection-options.ts',
    types: ['IntrospectionOptions'],
    schemas: ['introspectionSchema'],
  },
  {
    heading: 'oidc clientLogin',
    file: 'client-login-options.ts',
    types: ['ClientLoginOptions'],
    schemas: ['clientLoginSchema'],
  },
  { heading: 'localUser', file: 'identity/local-user.ts', types: ['LocalUserOptions'], schemas: ['localUserOptions'] },
  {
    heading: 'sealedFile',
    file: 'sealed-file/sealed-file.ts',
    types: ['SealedFileOptions'],
    schemas: ['optionsSchema'],
  },
  {
    heading: 'vaultBackend',
    file: 'hashicorp-vault-options.ts',
    types: ['HashicorpVaultOptions'],
    schemas: ['hashicorpVaultSchema'],
  },
  {
    heading: 'vaultBackend tls',
    file: 'transport/tls.ts',
    types: ['HashicorpVaultTlsOptions'],
    schemas: ['tlsSchema'],
  },
  {
    heading: 'awsSecretsManagerBackend',
    file: 'backends/aws-secrets-manager/aws-options.ts',
    types: ['AwsSecretsManagerOptions'],
    schemas: ['awsSchema'],
  },
  {
    heading: 'sealedEnvelope',
    file: 'sealed-envelope/sealed-envelope.ts',
    types: ['SealedEnvelopeOptions'],
    schemas: ['optionsSchema'],
  },
  {
    heading: 'jsonLinesAudit',
    file: 'audit/json-lines-options.ts',
    types: ['JsonLinesAuditOptions'],
    schemas: ['jsonLinesOptions'],
  },
  {
    heading: 'webhookAnchor',
    file: 'webhook-anchor.ts',
    types: ['WebhookAnchorOptions'],
    schemas: ['optionsSchema'],
  },
  {
    heading: 'memoryPendingStore',
    file: 'pending/memory-pending-store.ts',
    types: ['MemoryPendingStoreOptions'],
    schemas: ['optionsSchema'],
  },
  {
    heading: 'redisConnection',
    file: 'redis/connection/redis-options.ts',
    types: ['RedisOptions'],
    schemas: ['redisSchema'],
  },
  {
    heading: 'redisConnection sentinel',
    file: 'redis/connection/redis-options.ts',
    types: ['RedisSentinelOptions'],
    schemas: [],
  },
  {
    heading: 'redisConnection cluster',
    file: 'redis/connection/redis-options.ts',
    types: ['RedisClusterOptions'],
    schemas: [],
  },
  {
    heading: 'redisConnection tls',
    file: 'redis/connection/redis-options.ts',
    types: ['RedisTlsOptions'],
    schemas: ['tlsSchema'],
  },
  {
    heading: 'redisPendingStore',
    file: 'redis/redis-pending-store.ts',
    types: ['RedisPendingStoreOptions'],
    schemas: ['optionsSchema'],
  },
  { heading: 'mcpMount', file: 'mcp/sdk-v1/mcp-mount.ts', types: ['McpMountOptions'], schemas: ['optionsSchema'] },
  {
    heading: 'mcpMount',
    file: 'mcp/transport/mount-options.ts',
    types: ['HttpMountOptions'],
    schemas: ['httpMountOptions'],
  },
  { heading: 'mcpMount', file: 'mcp/sdk-v2/mcp-mount.ts', types: ['McpMountOptions'], schemas: ['optionsSchema'] },
  {
    heading: 'createProxy',
    file: 'proxy/config/upstream-options.ts',
    types: ['UpstreamOptions', 'CatalogueOptions', 'ConnectionConfigOptions'],
    schemas: [],
  },
  { heading: 'createProxy tools', file: 'proxy/config/upstream-options.ts', types: ['ToolRuleOptions'], schemas: [] },
  { heading: 'createProxy timeouts', file: 'proxy/config/upstream-options.ts', types: ['TimeoutOptions'], schemas: [] },
  { heading: 'createProxy tls', file: 'proxy/config/upstream-options.ts', types: ['TlsOptions'], schemas: [] },
  {
    heading: 'createProxy perOwner',
    file: 'proxy/config/upstream-options.ts',
    types: ['OwnerLimitOptions'],
    schemas: [],
  },
  {
    heading: 'connection',
    file: 'destinations/connection.ts',
    types: ['ConnectionOptions'],
    schemas: ['connectionSchema'],
  },
  {
    heading: 'createProxy command',
    file: 'proxy/config/command-options.ts',
    types: ['CommandUpstreamOptions'],
    schemas: [],
  },
  {
    heading: 'createProxy children',
    file: 'proxy/config/children-options.ts',
    types: ['ChildrenOptions'],
    schemas: ['childrenSchema'],
  },
  {
    heading: 'createProxy credential',
    file: 'proxy/config/upstream-options.ts',
    types: ['UpstreamCredentialOptions'],
    schemas: [],
  },
  {
    heading: 'credentialGate',
    file: 'mcp/adapter/gate-options.ts',
    types: ['AnyGateOptions', 'NamedGateOptions', 'CompletionGateOptions'],
    schemas: ['shared', 'completionGateOptions'],
  },
  {
    heading: 'credentialGate',
    file: 'mcp/sdk-v2/credential-gate.ts',
    types: ['StrictOptions'],
    schemas: [],
  },
  {
    heading: 'credentialGate',
    file: 'mcp/adapter/client-quirks.ts',
    types: ['CredentialGateOptions'],
    schemas: ['credentialGateOptions'],
  },
  {
    heading: 'clientQuirks',
    file: 'mcp/adapter/client-quirks.ts',
    types: ['ClientQuirk'],
    schemas: ['clientQuirk'],
  },
]

/** Option types that no user can pass in. A new one has to be put here or on the page. */
const INTERNAL: readonly string[] = [
  // Of the proxy's children, made from the options of an upstream.
  'ChildOptions',
  'ChildHostOptions',
  'WatchdogOptions',
  // The options of a gate with their defaults.
  'CheckedOptions',
  // Has no member of its own.
  'GateOptions',
  'AwsClientOptions',
  'JsonBodyOptions',
  'FormTierOptions',
  'HttpOptions',
  'PartsOptions',
  'ToolTierOptions',
  'CommandOptions',
  'ReadSecretOptions',
  'StoresOptions',
  'VerifyOptions',
  'LoginsOptions',
  // Their one option is in the text under redisPendingStore.
  'RedisChangeFeedOptions',
  'RedisBrowserSessionsOptions',
  'ReleaseOptions',
  'SessionOptions',
  'HashicorpVaultAuthOptions',
  'BearerGateOptions',
  // HttpMountOptions with its defaults.
  'CheckedMountOptions',
  'CredentialCacheOptions',
  'EchoGuardOptions',
  'McpSessionsOptions',
  'StartOptions',
  'ServeOptions',
  'AccessLogOptions',
  'ServerLogOptions',
  'TelemetryOptions',
  'WarningOptions',
  'VariablesOptions',
  'WebOptions',
]

/** The text from a declaration's name to the blank line that follows it. */
function declaration(text: string, pattern: RegExp): string {
  const start = text.search(pattern)
  expect(start, String(pattern)).toBeGreaterThanOrEqual(0)
  const rest = text.slice(start)
  return rest.slice(0, /\n\n(?! )/.exec(rest)?.index)
}

/** Of an interface its own members, without those of objects inside it. */
function membersOf(text: string, name: string): readonly string[] {
  const found = declaration(text, new RegExp(`^export (?:interface|type) ${name}\\b`, 'm'))
  const pattern = found.startsWith('export interface') ? /^ {2}readonly (\w+)\??:/gm : /readonly (\w+)\??:/g
  return [...found.matchAll(pattern)].map(([, member = '']) => member)
}

/** Keys of a zod object, each with the text of its definition. */
function keysOf(text: string, name: string): readonly (readonly [string, string])[] {
  const body = declaration(text, new RegExp(`^(?:export )?const ${name}\\b`, 'm'))
  const starts = [
    ...body.matchAll(/(?<=^ +|\{ |, )(\w+)(?=: (?:z\b|\w+Schema\b|audience|issuer|claim|object|callable))/gm),
  ]
  return starts.map(({ 0: key, index }, i) => [key, body.slice(index, starts[i + 1]?.index)])
}

function section(heading: string): string {
  const start = page.search(new RegExp(`^#{2,3} ${heading}$`, 'm'))
  expect(start, `a heading "${heading}"`).toBeGreaterThanOrEqual(0)
  const rest = page.slice(start)
  return rest.slice(0, /\n#{2,3} /.exec(rest)?.index)
}

function rowOf(heading: string, option: string): string {
  const row = section(heading)
    .split('\n')
    .find((line) => line.startsWith(`| \`${option}\` |`))
  expect(row, `a row for ${option} under "${heading}"`).toBeDefined()
  return row ?? ''
}

describe('options', () => {
  test.each(DOCUMENTED)('$heading: every option of $file has a row, with its bounds and default', (entry) => {
    const text = sourceOf(entry.file)
    const members = entry.types.flatMap((name) => membersOf(text, name))
    expect(members.length).toBeGreaterThan(0)
    for (const member of members) rowOf(entry.heading, member)
    for (const [key, definition] of entry.schemas.flatMap((name) => keysOf(text, name))) {
      const row = rowOf(entry.heading, key)
      const numbers = [...definition.matchAll(/\.(?:min|max|default)\((\d[\d_]*)\)/g)].map(([, digits = '']) =>
        digits.replaceAll('_', ''),
      )
      // "At least one" needs no range.
      for (const number of numbers.filter((one) => one !== '1')) expect(row, `${key}: ${number}`).toContain(number)
    }
  })

  test('every type of options in src is on the page or known to be internal', () => {
    const types = sources.flatMap((file) =>
      [...read(`src/${file}`).matchAll(/export (?:interface|type) (\w+Options)\b/g)].map(([, name = '']) => name),
    )
    const known = [...DOCUMENTED.flatMap(({ types }) => types), ...INTERNAL]
    expect([...new Set(types)].filter((name) => !known.includes(name))).toEqual([])
  })

  test('no row describes an option that is gone', () => {
    for (const heading of new Set(DOCUMENTED.map((entry) => entry.heading))) {
      const text = DOCUMENTED.filter((entry) => entry.heading === heading)
        .map((entry) => sourceOf(entry.file))
        .join('\n')
      for (const [, option = ''] of section(heading).matchAll(/^\| `(\w+)` \|/gm)) {
        expect(new RegExp(`\\b${option}\\??:`).test(text), `${heading}: ${option}`).toBe(true)
      }
    }
  })
})

test('every environment variable that src reads is on the page, and none besides', () => {
  const inSources = new Set(
    sources.flatMap((file) => read(`src/${file}`).match(/\b(?:MCP|NODE)_[A-Z]+(?:_[A-Z]+)*\b/g) ?? []),
  )
  const onPage = new Set(page.match(/\b(?:MCP|NODE)_[A-Z]+(?:_[A-Z]+)*\b/g) ?? [])
  expect([...onPage].sort()).toEqual([...inSources].sort())
})

test('every command and its options are on the page', () => {
  const commands = sources.flatMap((file) => {
    const text = file.startsWith('cli/') ? read(`src/${file}`) : ''
    return /: Command = \{/.test(text) ? [text] : []
  })
  expect(commands.length).toBeGreaterThan(4)
  const shared = read('src/cli/operator/operator-access.ts').match(/ownerOptions = \{.*\}/)?.[0] ?? ''
  for (const text of commands) {
    const name = /name: '([\w -]+)'/.exec(text)?.[1] ?? ''
    const row = section('Command line')
      .split('\n')
      .find((line) => line.startsWith(`| \`${name}`))
    expect(row, name).toBeDefined()
    const given = /\n {2}options: (\{[\s\S]*?\n {2}\}|.*),\n/.exec(text)?.[1] ?? ''
    const own = given.includes('ownerOptions') ? given + shared : given
    for (const [, option] of own.matchAll(/'?([\w-]+)'?: \{ type:/g)) expect(row, name).toContain(`\`--${option}\``)
  }
})
