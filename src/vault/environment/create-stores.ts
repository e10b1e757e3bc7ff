import { z } from 'zod'
import { awsSecretsManagerBackend } from '../../backends/aws-secrets-manager/aws-secrets-manager.ts'
import { memoryBackend } from '../../backends/memory.ts'
import { sealedFile } from '../../backends/sealed-file/sealed-file.ts'
import { warnAbout } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { AuditSink } from '../../core/ports/audit-sink.ts'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { ChangeFeed } from '../../core/ports/change-feed.ts'
import type { PendingStore } from '../../core/ports/pending-store.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'
import { memoryBrowserSessions } from '../../pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../pending/memory-pending-store.ts'
import { auditFromEnvironment } from './audit-from-environment.ts'
import { backendOfTier } from './backend-of-tier.ts'
import { fromVariables, keyOptions, withoutEmpty } from './environment.ts'
import { storeFolderOf } from './folders.ts'
import { hashicorpVaultFromEnvironment } from './hashicorp-vault-from-environment.ts'
import { namesRedis, redisFromEnvironment, redisVariables } from './redis-from-environment.ts'
import { envelopeFromEnvironment, envelopeVariables } from './sealed-envelope-from-environment.ts'

export interface Stores {
  readonly backend: SecretBackend
  readonly pendingStore: PendingStore
  readonly browserSessions: BrowserSessions
  /** With Redis only. */
  readonly changeFeed?: ChangeFeed
  readonly audit: AuditSink
}

const environmentSchema = z.object({
  MCP_VAULT_BACKEND: z.enum(['sealed-file', 'vault', 'aws-secrets-manager', 'memory']).default('sealed-file'),
  MCP_VAULT_FOLDER: z.string().optional(),
  MCP_VAULT_KEY: z.string().optional(),
  MCP_VAULT_KEY_FILE: z.string().optional(),
  MCP_VAULT_BUNDLE_FILE: z.string().optional(),
  MCP_CREDENTIAL_NAMES: z.enum(['readable', 'hashed']).optional(),
  MCP_AWS_PREFIX: z.string().optional(),
  MCP_AWS_KMS_KEY_ID: z.string().optional(),
  AWS_REGION: z.string().optional(),
  AWS_DEFAULT_REGION: z.string().optional(),
  AWS_ENDPOINT_URL_SECRETS_MANAGER: z.string().optional(),
  MCP_PENDING_STORE: z.enum(['memory', 'redis']).optional(),
})

export const storeVariables: readonly string[] = [
  ...Object.keys(environmentSchema.shape),
  ...envelopeVariables,
  ...redisVariables,
]

const AWS_VARIABLES = {
  'awsSecretsManagerBackend.prefix': 'MCP_AWS_PREFIX',
  'awsSecretsManagerBackend.endpoint': 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
} as const

export interface StoresOptions {
  /** Whether a missing store is created. Default true. If false, a folder that holds no store is an error. */
  readonly create?: boolean
  /** The one tier that the process is. Its login or bundle must be there, and that of the other tier must not. */
  readonly tier?: BundleTier | undefined
  /** The stream for `MCP_AUDIT_ANCHOR=stdout`. Default standard output. */
  readonly stdout?: NodeJS.WritableStream
}

const storesOptions = z.strictObject({
  create: z.boolean().optional(),
  tier: z.enum(['form', 'tool']).optional(),
  stdout: z.custom<NodeJS.WritableStream>((value) => typeof value === 'object', 'must be a stream').optional(),
} satisfies OptionSchemas<StoresOptions>)

/**
 * The stores that the environment names.
 *
 * `MCP_VAULT_BACKEND`: `sealed-file` (default), `vault` (`VAULT_ADDR` and more), `aws-secrets-manager` (`AWS_REGION` and more) or `memory`.
 * `MCP_VAULT_FOLDER`: default `./data`. `MCP_VAULT_KEY_FILE` or `MCP_VAULT_KEY`: the sealed file's key, read when the vault opens; or
 * `MCP_VAULT_BUNDLE_FILE`, the keys of one tier. `MCP_SEALED_ENVELOPE_KEY_FILE` and more: seals values before they reach Vault or AWS.
 * `MCP_PENDING_STORE`: `memory`, or `redis` for several replicas; the default is `redis` if a variable of Redis is set, such as
 * `MCP_REDIS_URL`. `MCP_AUDIT_FOLDER`: default `audit` in the vault's folder; `MCP_AUDIT_KEY_FILE` and more.
 *
 * @throws `configuration_invalid`, naming the variable
 * @example
 * ```ts
 * import { createStores, oidc, openVault } from 'mcp-credential-vault'
 *
 * const identity = oidc({ issuer: 'https://login.example.com', clientId: 'mcp-form' })
 * const vault = await openVault({ serverBaseUrl: 'https://mcp.example.com', identity, ...createStores() })
 * ```
 */
export function createStores(environment: NodeJS.ProcessEnv = process.env, options: StoresOptions = {}): Stores {
  const { create = true, tier } = parseOptions(storesOptions, options, 'createStores')
  const settings = parseOptions(environmentSchema, withoutEmpty(environment), 'environment')
  const { MCP_VAULT_BACKEND: kind } = settings
  const found = backendOf(settings, environment, create)
  const backend = tier === undefined ? found : backendOfTier(found, kind, tier)
  return {
    backend: envelopeFromEnvironment(backend, kind, environment),
    ...sharedStores(settings.MCP_PENDING_STORE, environment),
    audit: auditFromEnvironment(environment, options),
  }
}

/** Where requests and sign-outs are kept. A variable of Redis selects Redis, so that none is ignored. */
function sharedStores(
  wanted: 'memory' | 'redis' | undefined,
  environment: NodeJS.ProcessEnv,
): Pick<Stores, 'pendingStore' | 'browserSessions' | 'changeFeed'> {
  const isNamed = namesRedis(environment)
  if (wanted === 'memory' && isNamed) {
    throw new CredentialVaultError(
      'configuration_invalid',
      'environment.MCP_PENDING_STORE: it is memory, and variables that begin with MCP_REDIS_ are set. Set it to redis, or unset the others.',
      { reason: 'option' },
    )
  }
  if (wanted === 'redis' || isNamed) return redisFromEnvironment(environment)
  return { pendingStore: memoryPendingStore(), browserSessions: memoryBrowserSessions() }
}

function backendOf(
  settings: z.output<typeof environmentSchema>,
  environment: NodeJS.ProcessEnv,
  create: boolean,
): SecretBackend {
  switch (settings.MCP_VAULT_BACKEND) {
    case 'memory':
      return memoryBackend()
    case 'vault':
      return hashicorpVaultFromEnvironment(withoutEmpty(environment))
    case 'aws-secrets-manager':
      return fromVariables(AWS_VARIABLES, () =>
        awsSecretsManagerBackend({
          prefix: settings.MCP_AWS_PREFIX,
          kmsKeyId: settings.MCP_AWS_KMS_KEY_ID,
          names: settings.MCP_CREDENTIAL_NAMES,
          region: settings.AWS_REGION ?? settings.AWS_DEFAULT_REGION,
          endpoint: settings.AWS_ENDPOINT_URL_SECRETS_MANAGER,
          warn: warnAbout('aws-secrets-manager'),
        }),
      )
    case 'sealed-file':
      return sealedFile({
        folder: storeFolderOf(environment),
        create,
        warn: warnAbout('sealed-file'),
        bundleFile: settings.MCP_VAULT_BUNDLE_FILE,
        ...keyOptions(environment, settings.MCP_VAULT_KEY, settings.MCP_VAULT_KEY_FILE),
      })
  }
}
