import { throwIfAborted, withinTime } from '../../core/host/deadline.ts'
import { partWarnings } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { BackendCall, CredentialStatus, SecretBackend } from '../../core/ports/secret-backend.ts'
import { ownerFromLabels } from '../vendor/hashed-name-labels.ts'
import { keyOfName, unlisted, vendorName, vendorPath } from '../vendor/vendor-name.ts'
import type { HashicorpVaultAuthOptions } from './auth/auth-options.ts'
import type { LoginHalf } from './auth/secret-file.ts'
import { type HashicorpVaultOptions, hashicorpVaultSchema } from './hashicorp-vault-options.ts'
import type { Kv } from './kv.ts'
import { labelsOf, labelsOfRejection } from './labels.ts'
import { createLogins, type Logins } from './logins.ts'
import { statusOf } from './metadata.ts'
import { checkMount } from './mount.ts'
import { revokeSecret } from './revoking.ts'
import { parseAddress } from './transport/addresses.ts'
import { nodeVaultSend } from './transport/node-vault.ts'
import type { HashicorpVaultTransport } from './transport/transport.ts'
import { type WritePlace, writeSecret } from './writing.ts'

export type { HashicorpVaultAuthOptions, HashicorpVaultCustomLogin } from './auth/auth-options.ts'
export type { HashicorpVaultOptions } from './hashicorp-vault-options.ts'
export type { HashicorpVaultTlsOptions } from './transport/tls.ts'

interface Opened {
  readonly transport: HashicorpVaultTransport
  readonly logins: Logins
}

/** Milliseconds. */
const OPEN_DEADLINE = 10_000
/** For each request of a listing. */
const LIST_DEADLINE = 10_000

/**
 * Keeps credentials in HashiCorp Vault or OpenBao: one secret of a KV version 2 engine for each credential, at
 * `<mount>/<prefix>/<provider>/<issuer>/<subject>`. Its fields are exactly the user's, so that operators can rotate and revoke it with
 * `vault kv` and the web interface.
 *
 * Every write is a compare-and-set, and one that expects a version looks again for a revocation afterwards. Revoking destroys every
 * version and leaves the metadata with a mark; purging removes those too. `custom_metadata` holds our labels of a version.
 * docs/backends/vault.md has policies to paste.
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
  const warn = partWarnings(settings, 'hashicorp-vault')
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

  function writing(key: StorageKey, call: BackendCall): WritePlace {
    const { hidden } = vendorName(key, names)
    return { kv: logins(call).writing(), path: pathOf(key), hidden, location: locate(key), warn }
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
      // A save that was stored meanwhile may not have seen the change.
      const now = statusOf(await kv.metadata(pathOf(key), call))
      return now.status === 'active' && now.version.ref === version.ref
    },

    fieldNames: async (key, call) => logins(call).either().fields(pathOf(key), call),

    write: async (key, values, intent, call) => writeSecret(writing(key, call), values, intent, call),

    revoke: async (key, intent, call) => revokeSecret(writing(key, call), intent, call),

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
