/** What a folder of `src` may import: these folders, with all below them, and these packages. */
export interface Layer {
  readonly folders: readonly string[]
  readonly packages: readonly string[]
}

/** The rooms of core, each of which may import those before it. */
const CORE = [
  'model',
  'network',
  'host',
  'ports',
  'koa',
  'crypto',
  'journal',
  'echo-guard',
  'credentials',
  'lifecycle',
  'requests',
  'telemetry',
  'operations',
  'gate',
]
const CORE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  model: ['zod'],
  host: ['zod'],
  crypto: ['libsodium-wrappers'],
  credentials: ['zod'],
  lifecycle: ['zod'],
  requests: ['zod'],
  gate: ['zod'],
  telemetry: ['@opentelemetry/api'],
}

const core = Object.fromEntries(
  CORE.map((room, at) => [
    `core/${room}`,
    { folders: CORE.slice(0, at).map((below) => `core/${below}`), packages: CORE_PACKAGES[room] ?? [] },
  ]),
)

/** By folder. A folder without a layer of its own has that of the folder around it. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  ...core,
  backends: { folders: ['core'], packages: ['zod', 'undici', 'node-vault', '@aws-sdk/client-secrets-manager'] },
  pending: { folders: ['core'], packages: ['zod'] },
  redis: { folders: ['core'], packages: ['zod', 'redis'] },
  identity: { folders: ['core'], packages: ['jose', 'openid-client', 'zod'] },
  audit: { folders: ['core'], packages: ['zod'] },
  destinations: { folders: ['core'], packages: ['undici', 'ipaddr.js', 'zod'] },
  presets: { folders: ['core', 'destinations'], packages: [] },
  web: {
    folders: ['core'],
    packages: ['koa', '@koa/router', 'koa-body', 'ejs', 'marked', 'rate-limiter-flexible', 'zod'],
  },
  'mcp/sdk-v1': {
    folders: ['core', 'mcp/adapter', 'mcp/transport'],
    packages: ['@modelcontextprotocol/sdk', 'koa', 'zod'],
  },
  'mcp/sdk-v2': {
    folders: ['core', 'mcp/adapter', 'mcp/transport'],
    packages: ['@modelcontextprotocol/server', 'koa', 'zod'],
  },
  // Shared by the adapters of every SDK, so they must not know one.
  'mcp/adapter': { folders: ['core'], packages: ['zod'] },
  'mcp/transport': { folders: ['core'], packages: ['koa', 'zod'] },
  proxy: { folders: ['core', 'destinations', 'mcp/adapter', 'mcp/transport'], packages: ['koa', 'yaml', 'zod'] },
  testing: { folders: ['core'], packages: [] },
  vault: {
    folders: ['core', 'backends', 'pending', 'redis', 'identity', 'audit', 'destinations', 'web'],
    packages: ['koa', 'zod'],
  },
  server: {
    folders: ['core', 'mcp', 'proxy', 'vault', 'web'],
    packages: [
      '@modelcontextprotocol/sdk',
      '@modelcontextprotocol/server',
      'koa',
      'pino',
      '@opentelemetry/api',
      '@opentelemetry/sdk-metrics',
      '@opentelemetry/exporter-prometheus',
    ],
  },
  cli: { folders: ['core', 'audit', 'redis', 'server', 'vault'], packages: ['redis'] },
  '.': { folders: ['core', 'backends', 'pending', 'identity', 'audit', 'destinations', 'web', 'vault'], packages: [] },
}

/** The layer that holds for a folder, with its name. */
export function layerOf(folder: string): readonly [string, Layer] | undefined {
  const names = Object.keys(LAYERS).filter((name) => isBelow(folder, name))
  const name = names.sort((a, b) => b.length - a.length)[0]
  const layer = name === undefined ? undefined : LAYERS[name]
  return name === undefined || !layer ? undefined : [name, layer]
}

/** Whether a folder is this one or lies below it. */
export function isBelow(folder: string, above: string): boolean {
  return folder === above || folder.startsWith(`${above}/`)
}

/** Risky packages, each confined to one file, so that one review covers its use. */
export const CONFINED: Readonly<Record<string, string>> = {
  'libsodium-wrappers': 'core/crypto/sodium.ts',
  'koa-body': 'web/http/form-body.ts',
  ejs: 'web/pages/templates.ts',
  marked: 'web/pages/guide.ts',
  yaml: 'proxy/config/read-config.ts',
}
