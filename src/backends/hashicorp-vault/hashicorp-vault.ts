import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted, withinTime } from '../../core/host/deadline.ts'
import { safeWarn } from '../../core/host/process-warning.ts'
import { reasonOf } from '../../core/journal/refusal-event.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { checkExpectation } from '../../core/ports/expectation.ts'
import type { BackendCall, CredentialStatus, SecretBackend, WriteIntent } from '../../core/ports/secret-backend.ts'
import { ownerFromLabels } from '../vendor/hashed-name-labels.ts'
import { keyOfName, unlisted, vendorName, vendorPath } from '../vendor/vendor-name.ts'
import type { HashicorpVaultAuthOptions } from './auth/auth-options.ts'
import type { LoginHalf } from './auth/secret-file.ts'
import { type HashicorpVaultOptions, hashicorpVaultSchema } from './hashicorp-vault-options.ts'
import type { Kv } from './kv.ts'
import { isMarkedRevoked, labelsOf, labelsOfRejection, labelsOfRevocation, labelsOfWrite } from './labels.ts'
import { createLogins, type Logins } from './logins.ts'
import { type KvMetadata, statusOf } from './metadata.ts'
import { checkMount } from './mount.ts'
import { parseAddress } from './transport/addresses.ts'
import { nodeVaultSend } from './transport/node-vault.ts'
import type { HashicorpVaultTransport } from './transport/transport.ts'

export type { HashicorpVaultAuthOptions, HashicorpVaultCustomLogin } from './auth/auth-options.ts'
export type { HashicorpVaultOptions } from './hashicorp-vault-options.ts'
export type { HashicorpVaultTlsOptions } from './transport/tls.ts'

interface Opened {
  readonly transport: HashicorpVaultTransport
  readonly logins: Logins
}

/** Milliseconds. */
const OPEN_DEADLINE = 10_000
const LABEL_DEADLINE = 2_000
/** For each request of a listing. */
const LIST_DEADLINE = 10_000
/** Rounds of read and compare-and-set before a save gives up against other writers. */
const MAX_ROUNDS = 30

/**
 * Keeps credentials in HashiCorp Vault or OpenBao: one secret of a KV version 2 engine for each credential, at
 * `<mount>/<prefix>/<provider>/<issuer>/<subject>`. Its fields are exactly the user's, so that operators can rotate and revoke it with
 * `vault kv` and the web interface.
 *
 * Every write is a compare-and-set. Revoking destroys every version and leaves the metadata with a mark; purging removes those too.
 * `custom_metadata` holds our labels of a version. docs/backends/vault.md has policies to paste.
 *
 * `open()` throws `unavailable`, `unauthenticated`, and `configuration_invalid` (`mount`, `kv_version`, `tls`, `package_missing`).
 *
 * @throws `configuration_invalid` for a wrong option
 * @example
 * ```ts
 * import { vaultBackend } from 'mcp-credential-vault/backends/vault'
 *
 * const backend = vaultBackend({
 *   address: 'https://vault.example.com:8200',
 *   auth: { method: 'approle', roleId: 'mcp-server', secretIdFile: '/run/secrets/secret-id' },
 * })
 * ```
 */
export function vaultBackend(options: HashicorpVaultOptions): SecretBackend {
  return backendWith(options)
}

/** @param half which of two logins `auth` is, when this backend uses only that one */
function backendWith(options: HashicorpVaultOptions, half?: LoginHalf): SecretBackend {
  const settings = parseOptions(hashicorpVaultSchema, options, 'vaultBackend')
  const { mount, prefix, names, namespace } = settings
  const warn = safeWarn(settings.warn)
  const addresses = settings.address.map((text) => parseAddress(text, settings.dangerouslyAllowHttp))
  let opened: Opened | undefined

  function logins({ signal }: BackendCall): Logins {
    throwIfAborted(signal)
    if (opened) return opened.logins
    throw new CredentialVaultError('configuration_invalid', 'The vault backend is not open.', { reason: 'not_open' })
  }

  /** A user's own login, if the call has one, else the reader's, else the writer's. */
  function describing(key: StorageKey, call: BackendCall): Kv {
    return call.assertion ? logins(call).reading(key, call) : logins(call).either()
  }

  function pathOf(key: StorageKey): string {
    return `${prefix}/${vendorPath(key, names)}`
  }

  async function write(key: StorageKey, values: CredentialValues, intent: WriteIntent, call: BackendCall) {
    const kv = logins(call).writing()
    const path = pathOf(key)
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      throwIfAborted(call.signal)
      const metadata = await kv.metadata(path, call)
      const status = statusOf(metadata)
      if (status.status === 'active' && operationOf(metadata) === intent.operationId) return status.version
      checkExpectation(intent.expect, status)
      call.noteBase?.(status)
      const written = await kv.write(path, values, metadata?.current ?? 0, call)
      if (written) {
        const described = { ...intent, fields: intent.fields ?? Object.keys(values) }
        await label(key, labelsOfWrite(Number(written.label), described, vendorName(key, names).hidden), call)
        return written
      }
      await delay(Math.random() * 20 * Math.min(round, 5))
    }
    throw new CredentialVaultError('unavailable', 'Other writers keep changing this credential. Nothing was changed.', {
      reason: 'contended',
      retryable: true,
    })
  }

  /** Writes the labels. The value is already stored, so a failure here only warns. */
  async function label(key: StorageKey, labels: Readonly<Record<string, string | null>>, call: BackendCall) {
    try {
      await logins(call).writing().label(pathOf(key), labels, withinTime(call, LABEL_DEADLINE))
    } catch (error) {
      const reason = reasonOf(error)
      warn(`The labels of ${locate(key)} could not be written (${reason}). The credential itself is stored.`)
    }
  }

  function locate(key: StorageKey): string {
    return `${mount}/${pathOf(key)}${namespace ? ` (namespace ${namespace})` : ''}`
  }

  return {
    name: 'vault',

    async open() {
      if (settings.dangerouslyAllowHttp) warn('Vault is used without TLS: tokens and credentials travel in clear.')
      if (settings.tls.dangerouslySkipVerification)
        warn("Vault's certificate is not checked: another server can pose as Vault.")
      // It loads undici, which commands on another backend do not need.
      const { createTransport } = await import('./transport/transport.ts')
      const transport = createTransport(addresses, settings.tls)
      const send = await nodeVaultSend(addresses[0]?.origin ?? '', transport)
      const made = createLogins(send, { ...settings, half })
      try {
        const signal = AbortSignal.timeout(OPEN_DEADLINE)
        await made.check(signal)
        await checkMount(made, settings, { signal, correlationId: 'open' })
      } catch (error) {
        await made.close()
        await transport.close()
        throw error
      }
      opened = { transport, logins: made }
    },

    read: async (key, call) => logins(call).reading(key, call).read(pathOf(key), call),

    stat: async (key, call) => statusOf(await describing(key, call).metadata(pathOf(key), call)),

    async markRejected(key, version, rejectedAt, call) {
      const kv = describing(key, call)
      const metadata = await kv.metadata(pathOf(key), call)
      const status = statusOf(metadata)
      if (!metadata || status.status !== 'active' || status.version.ref !== version.ref) return false
      await kv.label(pathOf(key), labelsOfRejection(metadata.current, rejectedAt), call)
      return true
    },

    fieldNames: async (key, call) => logins(call).either().fields(pathOf(key), call),

    write,

    async revoke(key, { expect, operationId, purge }, call) {
      const kv = logins(call).writing()
      const path = pathOf(key)
      const metadata = await kv.metadata(path, call)
      const status = statusOf(metadata)
      if (!metadata || (status.status === 'absent' && !purge)) return false
      if (expect !== 'any') checkExpectation(expect, status)
      if (purge) {
        await kv.purge(path, call)
        return true
      }
      const alive = metadata.versions.filter(({ destroyed }) => !destroyed).map(({ number }) => number)
      const done = operationOf(metadata) === operationId
      if (alive.length > 0) await kv.destroy(path, alive, call)
      if (alive.length > 0 || !isMarkedRevoked(metadata.customMetadata, metadata.current))
        await label(key, labelsOfRevocation(metadata.current, operationId, new Date()), call)
      return done || alive.length > 0
    },

    async *list(call) {
      const kv = logins(call).either()
      const lost: string[] = []
      for (const path of await secretsBelow(prefix, call)) {
        const metadata = await kv.metadata(path, withinTime(call, LIST_DEADLINE))
        if (!metadata) continue
        const key = keyOfName(path.slice(prefix.length + 1), ownerFromLabels(metadata.customMetadata, '-'), names)
        const status: CredentialStatus = statusOf(metadata)
        if (!key) lost.push(`${mount}/${path}`)
        else if (status.status !== 'absent') {
          const { audit } = labelsOf(metadata.customMetadata, metadata.current)
          yield { key, status, ...(audit && { audit }) }
        }
      }
      if (lost[0]) throw unlisted(lost[0])
    },

    locate,

    rotateCommand(key, fields) {
      const input = JSON.stringify(Object.fromEntries(fields.map((field) => [field, '…'])))
      const space = namespace ? ` -namespace=${namespace}` : ''
      return { command: `vault kv put${space} -mount=${mount} ${pathOf(key)} -`, input }
    },

    async history(key, call) {
      const metadata = await logins(call).either().metadata(pathOf(key), call)
      return (metadata?.versions ?? []).map(({ stored }) => stored)
    },

    principals() {
      const { read, write } = settings.auth
      const only = (auth: HashicorpVaultAuthOptions, of?: LoginHalf) =>
        backendWith({ ...options, auth, userAuth: undefined }, of)
      if (read && read === write) return [{ tier: 'both', backend: only(read) }]
      return [
        ...(write ? [{ tier: 'form' as const, backend: only(write, 'write') }] : []),
        ...(read ? [{ tier: 'tool' as const, backend: only(read, 'read') }] : []),
      ]
    },

    rights: async (key, tier, call) =>
      logins(call)
        .either()
        .rights({ prefix, path: pathOf(key), tier }, call),

    async close() {
      const last = opened
      opened = undefined
      await last?.logins.close()
      await last?.transport.close()
    },
  }

  /** Lists paths depth first: providers, issuers, subjects. */
  async function secretsBelow(folder: string, call: BackendCall): Promise<readonly string[]> {
    const found = await logins(call).either().names(folder, withinTime(call, LIST_DEADLINE))
    const paths = await Promise.all(
      found.map((name) =>
        name.endsWith('/') ? secretsBelow(`${folder}/${name.slice(0, -1)}`, call) : [`${folder}/${name}`],
      ),
    )
    return paths.flat()
  }
}

function operationOf(metadata: KvMetadata | undefined): string | undefined {
  return metadata && labelsOf(metadata.customMetadata, metadata.current).operationId
}
