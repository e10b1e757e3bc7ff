import { z } from 'zod'
import { deriveKey } from '../../core/crypto/derive-key.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import { sodiumReady, wipe } from '../../core/crypto/sodium.ts'
import { throwIfAborted } from '../../core/host/deadline.ts'
import { type Logger, loggerOption } from '../../core/host/logger.ts'
import { partWarnings } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { SecretBackend, Tier } from '../../core/ports/secret-backend.ts'
import type { StoreKeys } from '../../core/ports/store-keys.ts'
import { storageError } from './files/storage-error.ts'
import { readBundle } from './keys/bundle.ts'
import { type OpenedStore, openWithBundle, openWithStoreKey } from './opened-store.ts'
import { revoke } from './revocation.ts'
import { announcedServers, announceServer, type ServerPresence } from './server-presence.ts'

export interface SealedFileOptions {
  /**
   * Folder of the store, created with mode 0700 if it is missing. It must be on a local file system with hard links, and several processes
   * of one machine may share it. A folder that everyone may write to is refused, and so is another user's folder with write access for its
   * group. This user's own folder is then set to mode 0700, with a warning.
   */
  readonly folder: string
  /** The store's key as text, from `mcp-credential-vault keygen`. Default: `MCP_VAULT_KEY`, or the file that `MCP_VAULT_KEY_FILE` names. */
  readonly key?: string | undefined
  /**
   * File that holds the key. A file of this user must be unreadable for others. A file of root on a read-only mount, as in containers, is
   * used with a warning if only root can change it.
   */
  readonly keyFile?: string | undefined
  /**
   * File with the keys of one tier, from `mcp-credential-vault keys export-writer` or `keys export-reader`, instead of the store's key. The
   * writer's saves and revokes and cannot read; the reader's reads and sets marks of rejections and cannot save. The store must exist. A
   * store key in the environment is refused then.
   */
  readonly bundleFile?: string | undefined
  /** Creates a store when the folder holds none. Default true. Use false where that would only hide a wrong folder. */
  readonly create?: boolean | undefined
  /** Called at `open()` and `list()` about weak or unusual conditions that are no errors. Default `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined
  /** A logger of pino's shape, which gets the same with `component` `sealed-file`. Default: none. */
  readonly logger?: Logger | undefined
}

const optionsSchema = z.strictObject({
  folder: z.string().min(1),
  key: z.string().optional(),
  keyFile: z.string().min(1).optional(),
  bundleFile: z.string().min(1).optional(),
  create: z.boolean().default(true),
  warn: z.custom<(message: string) => void>((value) => typeof value === 'function', 'must be a function').optional(),
  logger: loggerOption(),
} satisfies OptionSchemas<SealedFileOptions>)

/**
 * Keeps credentials in a folder on this machine: one file for each revision, sealed with libsodium's `crypto_box_seal`, signed with
 * Ed25519, and bound to store, provider, issuer, subject and revision. File names are keyed hashes, so that a listing reveals no person.
 *
 * One earlier revision is kept. Revoking empties every revision and leaves a signed mark. Purging leaves a mark without a name that reads
 * as absent, because restarted numbers would let an old file pass for a new one.
 *
 * An older file that is restored is recognised while the process runs; after a restart only the audit log shows it.
 *
 * `open()` makes the store when the folder holds none. It throws `key_missing`, `key_wrong`, `key_exposed`, `key_malformed`,
 * `record_tampered` for a damaged keyring, and `configuration_invalid`; none of them changes or deletes anything. Later,
 * `record_tampered` and `record_replayed` name a file that fails its checks, and `unavailable` a disk that is full or fails.
 *
 * @throws `configuration_invalid` for a wrong option
 * @example
 * ```ts
 * import { sealedFile } from 'mcp-credential-vault/backends/sealed-file'
 *
 * const backend = sealedFile({ folder: './data', keyFile: '/run/secrets/vault-key' })
 * ```
 */
export function sealedFile(options: SealedFileOptions): SecretBackend {
  const settings = parseOptions(optionsSchema, options, 'sealedFile')
  const { folder, key, keyFile, bundleFile, create } = settings
  const warn = partWarnings(settings, 'sealed-file')
  const keySource = { name: 'MCP_VAULT_KEY', text: key, file: keyFile } as const
  let store: OpenedStore | undefined
  let mark: ServerPresence | undefined

  function opened(): OpenedStore {
    if (store) return store
    throw new CredentialVaultError('configuration_invalid', `The sealed file ${folder} is not open.`, {
      reason: 'not_open',
    })
  }

  function master(): NonNullable<OpenedStore['master']> {
    const { master: held, tier } = opened()
    if (held) return held
    throw notOfTier(tier)
  }

  async function guarded<T>(work: (store: OpenedStore) => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      throwIfAborted(signal)
      return await work(opened())
    } catch (error) {
      throw storageError(error, folder)
    }
  }

  return {
    name: 'sealed-file',

    async open(events) {
      await sodiumReady()
      const found = findKey({ ...keySource, warn, onFound: events?.keyConfigured })
      if (bundleFile !== undefined && found) throw keyBesideBundle(found.source)
      try {
        store =
          bundleFile === undefined
            ? await openWithStoreKey({ folder, create, source: keySource, found, events, warn })
            : await openWithBundle(bundleFile, { folder, warn })
      } catch (error) {
        throw storageError(error, folder)
      }
    },

    read: (storageKey, { signal }) =>
      guarded(async ({ files, tier }) => {
        // Also where nothing is stored, so that "absent" is not mistaken for the right to read.
        if (tier === 'form') throw notOfTier(tier)
        return files.read(storageKey)
      }, signal),

    stat: (storageKey, { signal }) => guarded(({ files }) => files.stat(storageKey), signal),

    isCurrent: (storageKey, version) => opened().files.isCurrent(storageKey, version),

    write: (storageKey, values, intent, { signal }) =>
      guarded(async ({ files, tier }) => {
        if (tier === 'tool') throw notOfTier(tier)
        return files.write(storageKey, values, intent, signal)
      }, signal),

    markRejected: (storageKey, version, rejectedAt, { signal }) =>
      guarded(({ files }) => files.rejections.set(storageKey, version, rejectedAt), signal),

    revoke: (storageKey, intent, { signal }) =>
      guarded(async ({ files, revisions, tier }) => {
        if (tier === 'tool') throw notOfTier(tier)
        return revoke(files, revisions, storageKey, intent, signal)
      }, signal),

    async *list({ signal }) {
      try {
        const { files, tier } = opened()
        if (tier === 'form') throw notOfTier(tier)
        yield* files.all(signal)
      } catch (error) {
        throw storageError(error, folder)
      }
    },

    locate: (storageKey) => opened().files.path(storageKey),

    ...(bundleFile === undefined && {
      deriveKey: (purpose: string) => deriveKey(master().key, `derived ${purpose}`),
      storeKeys: guardedStoreKeys((work, signal) => guarded(async () => work(master().storeKeys), signal)),
    }),

    ...(bundleFile !== undefined && {
      principals: () => [{ tier: readBundle(bundleFile, () => {}).tier, backend: sealedFile(options) }],
    }),

    async checkKeys() {
      opened().keys.forWriting()
    },

    async announceServer(serverBaseUrl, noticed) {
      await mark?.close()
      mark = await announceServer(opened().root, serverBaseUrl, noticed)
      return (mark?.others.length ?? 0) > 0
    },

    announcedServers: async (serverBaseUrl) => announcedServers(opened().root, serverBaseUrl),

    async close() {
      await mark?.close()
      mark = undefined
      if (store?.master) wipe(store.master.key)
      store = undefined
    },
  }
}

/** The store's keys, of which each operation runs through `guard`. */
function guardedStoreKeys(
  guard: <T>(work: (keys: StoreKeys) => Promise<T>, signal: AbortSignal) => Promise<T>,
): StoreKeys {
  return {
    rotate: (signal) => guard((keys) => keys.rotate(signal), signal),
    reseal: (options, signal) => guard((keys) => keys.reseal(options, signal), signal),
    rewrap: (newKey, signal) => guard((keys) => keys.rewrap(newKey, signal), signal),
    retire: (options, signal) => guard((keys) => keys.retire(options, signal), signal),
    exportBundle: (tier, signal) => guard((keys) => keys.exportBundle(tier, signal), signal),
    exposed: (options, signal) => guard((keys) => keys.exposed(options, signal), signal),
  }
}

function notOfTier(tier: Tier): CredentialVaultError {
  return new CredentialVaultError(
    'forbidden',
    tier === 'form'
      ? 'This process has the keys of the form tier, which saves and revokes credentials and cannot read or list them.'
      : 'This process has the keys of the tool tier, which reads credentials and cannot save or revoke them.',
    { reason: 'other_tier' },
  )
}

function keyBesideBundle(source: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `A store key (${source}) is configured beside a bundle, and would undo the separation of the tiers. Take the store key out of this process's environment.`,
    { reason: 'two_keys' },
  )
}
