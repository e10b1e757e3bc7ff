import { throwIfAborted, withinTime } from '../../core/host/deadline.ts'
import { partWarnings } from '../../core/host/process-warning.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { BackendCall, SecretBackend } from '../../core/ports/secret-backend.ts'
import { ownerFromLabels } from '../vendor/hashed-name-labels.ts'
import { keyOfName, unlisted, vendorName, vendorPath } from '../vendor/vendor-name.ts'
import { type AwsClient, createAwsClient } from './aws-client.ts'
import { AwsAnswer, isAnswer } from './aws-error.ts'
import { type AwsCredentialsProvider, type AwsSecretsManagerOptions, awsSchema } from './aws-options.ts'
import { markRejected } from './marking.ts'
import { describe, readSecret } from './reading.ts'
import { revokeSecret } from './revoking.ts'
import { rightsOf } from './rights.ts'
import { CURRENT, isTombstone, PREVIOUS, secretOf, versionOf } from './secret.ts'
import { auditOf } from './tags.ts'
import { writeSecret } from './writing.ts'

export type {
  AwsCredentials,
  AwsCredentialsProvider,
  AwsSecretsManagerOptions,
} from './aws-options.ts'

interface Clients {
  readonly read: AwsClient | undefined
  readonly write: AwsClient | undefined
}

/** Ends every name, because the service takes a hyphen and six characters at the end for a part of an ARN. */
const SUFFIX = '.cred'
/** Milliseconds for each request of a listing. */
const LIST_DEADLINE = 10_000

/**
 * Keeps credentials in AWS Secrets Manager: one secret for each credential, `<prefix>/<provider>/<issuer>/<subject>.cred`. Its value is a
 * JSON object of exactly the user's fields, so that operators can rotate and revoke it in the console. AWS charges for each secret per
 * month: see docs/backends/aws-secrets-manager.md.
 *
 * The version's id is the operation's, so a repeated save has one effect. Revoking replaces the value with a tombstone, removes every label
 * from the earlier versions, and schedules the secret for deletion. Connecting again restores the secret and finds the tombstone, never the
 * revoked value. Neither tools nor the form need the right `ListSecrets`; `list` does.
 *
 * The service is eventually consistent: right after a change another replica may still see the earlier state.
 *
 * @throws `configuration_invalid` for a wrong option
 * @example
 * ```ts
 * import { awsSecretsManagerBackend } from 'mcp-credential-vault/backends/aws-secrets-manager'
 *
 * const backend = awsSecretsManagerBackend({ region: 'eu-central-1', prefix: 'mcp', kmsKeyId: 'alias/mcp' })
 * ```
 */
export function awsSecretsManagerBackend(options: AwsSecretsManagerOptions = {}): SecretBackend {
  const settings = parseOptions(awsSchema, options, 'awsSecretsManagerBackend')
  const { prefix, names, region, endpoint } = settings
  const warn = partWarnings(settings, 'aws-secrets-manager')
  let clients: Clients | undefined

  function opened({ signal }: BackendCall): Clients {
    throwIfAborted(signal)
    if (clients) return clients
    throw new CredentialVaultError('configuration_invalid', 'The AWS backend is not open.', { reason: 'not_open' })
  }

  function reading(call: BackendCall): AwsClient {
    return opened(call).read ?? noCredentials('read')
  }

  function writing(call: BackendCall): AwsClient {
    return opened(call).write ?? noCredentials('write')
  }

  function either(call: BackendCall): AwsClient {
    const { read, write } = opened(call)
    return read ?? write ?? noCredentials('read')
  }

  async function reach(client: AwsClient, call: BackendCall): Promise<void> {
    try {
      await describe(client, `${prefix}/probe`, call)
    } catch (error) {
      // A policy for one provider may not cover the probe. A refusal still proves that the service was reached and knows the login.
      if (!isCredentialVaultError(error, 'forbidden')) throw error
    }
  }

  function close(): void {
    const last = clients
    clients = undefined
    last?.read?.close()
    last?.write?.close()
  }

  function nameOf(key: StorageKey): string {
    return `${prefix}/${vendorPath(key, names)}${SUFFIX}`
  }

  return guarded({
    name: 'aws-secrets-manager',

    async open() {
      const make = (credentials: Parameters<typeof createAwsClient>[0]['credentials']) =>
        createAwsClient({ region, endpoint, credentials })
      const { credentials } = settings
      if (!credentials) {
        const client = await make(undefined)
        clients = { read: client, write: client }
      } else {
        const read = credentials.read && (await make(credentials.read))
        const same = credentials.write === credentials.read
        clients = { read, write: same ? read : credentials.write && (await make(credentials.write)) }
      }
      // A probe of any name tests credentials, region and connection.
      const call = { signal: AbortSignal.timeout(10_000), correlationId: 'open' }
      try {
        await Promise.all([...new Set([clients.read, clients.write])].map((client) => client && reach(client, call)))
      } catch (error) {
        close()
        throw error
      }
    },

    read: (key, call) => readSecret(reading(call), nameOf(key), call),

    stat: async (key, call) => (await describe(either(call), nameOf(key), call))?.status ?? { status: 'absent' },

    write: (key, values, intent, call) =>
      writeSecret(
        { client: writing(call), name: nameOf(key), hidden: vendorName(key, names).hidden, settings, warn },
        values,
        intent,
        call,
      ),

    revoke: (key, intent, call) => revokeSecret(writing(call), nameOf(key), settings, intent, call),

    markRejected: (key, version, rejectedAt, call) =>
      markRejected(either(call), nameOf(key), { version, rejectedAt }, call),

    async *list(call) {
      let lost: string | undefined
      let page: string | undefined
      do {
        const found = await either(call)(
          'listSecrets',
          {
            Filters: [{ Key: 'name', Values: [`${prefix}/`] }],
            IncludePlannedDeletion: true,
            MaxResults: 100,
            ...(page !== undefined && { NextToken: page }),
          },
          withinTime(call, LIST_DEADLINE),
        )
        for (const entry of found.SecretList ?? []) {
          const name = entry.Name ?? ''
          if (!name.startsWith(`${prefix}/`) || !name.endsWith(SUFFIX)) continue
          const secret = secretOf(entry)
          const key = keyOfName(name.slice(prefix.length + 1, -SUFFIX.length), ownerFromLabels(secret.tags, ':'), names)
          if (!key) lost = name
          else if (secret.status.status !== 'absent') {
            const audit = auditOf(secret.tags, secret.current ?? '')
            yield { key, status: secret.status, ...(audit && { audit }) }
          }
        }
        page = found.NextToken
      } while (page !== undefined)
      if (lost) throw unlisted(lost)
    },

    locate: (key) => `${nameOf(key)}${region ? ` (${region})` : ''}`,

    rotateCommand(key, fields) {
      const input = JSON.stringify(Object.fromEntries(fields.map((field) => [field, '…'])))
      const where = region ? ` --region ${region}` : ''
      const secret = `--secret-id ${nameOf(key)} --secret-string file:///dev/stdin`
      return { command: `aws secretsmanager put-secret-value${where} ${secret}`, input }
    },

    async history(key, call) {
      const found = await either(call)('listSecretVersionIds', { SecretId: nameOf(key) }, call).catch(
        (error: unknown) => {
          if (isAnswer(error, 'ResourceNotFoundException')) return { Versions: [] }
          throw error
        },
      )
      // The labels give the order, since times are too coarse.
      return [CURRENT, PREVIOUS].flatMap((label) =>
        (found.Versions ?? [])
          .filter(({ VersionId, VersionStages }) => VersionStages?.includes(label) && !isTombstone(VersionId))
          .map(({ VersionId = '', CreatedDate = new Date(0) }) => versionOf(VersionId, CreatedDate)),
      )
    },

    principals() {
      const { read, write } = settings.credentials ?? {}
      const only = (credentials: AwsCredentialsProvider | undefined) =>
        awsSecretsManagerBackend({ ...options, credentials })
      if (read === write) return [{ tier: 'both', backend: only(read) }]
      return [
        ...(write ? [{ tier: 'form' as const, backend: only(write) }] : []),
        ...(read ? [{ tier: 'tool' as const, backend: only(read) }] : []),
      ]
    },

    rights: async (key, tier, call) => rightsOf(either(call), nameOf(key), tier, call),

    close: async () => close(),
  })
}

/** Turns answers that no operation expected into `configuration_invalid`. */
function guarded(backend: SecretBackend): SecretBackend {
  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw error instanceof AwsAnswer ? unexpected(error) : error
    }
  }
  return {
    ...backend,
    open: () => translated(() => backend.open()),
    read: (key, call) => translated(async () => backend.read(key, call)),
    stat: (key, call) => translated(async () => backend.stat(key, call)),
    write: (key, values, intent, call) => translated(async () => backend.write(key, values, intent, call)),
    revoke: (key, intent, call) => translated(async () => backend.revoke(key, intent, call)),
    markRejected: (...given) => translated(async () => (await backend.markRejected?.(...given)) ?? false),
    history: (key, call) => translated(async () => (await backend.history?.(key, call)) ?? []),
    rights: (key, tier, call) =>
      translated(async () => (await backend.rights?.(key, tier, call)) ?? { missing: [], excess: [] }),
    async *list(call) {
      try {
        yield* backend.list(call)
      } catch (error) {
        throw error instanceof AwsAnswer ? unexpected(error) : error
      }
    },
  }
}

function unexpected({ answer }: AwsAnswer): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `AWS Secrets Manager refused the request (${answer}): the secret is managed by another service, is a replica, or an option is wrong.`,
    { reason: 'refused' },
  )
}

function noCredentials(half: 'read' | 'write'): never {
  throw new CredentialVaultError(
    'forbidden',
    `This process has no credentials for ${half === 'read' ? 'reading' : 'writing'}: credentials.${half} is not set.`,
    { reason: `no_${half}_login` },
  )
}
