import { z } from 'zod'
import { deriveKey } from '../../core/crypto/derive-key.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import { sodiumReady, wipe } from '../../core/crypto/sodium.ts'
import { throwIfAborted } from '../../core/host/deadline.ts'
import { type Logger, loggerOption } from '../../core/host/logger.ts'
import { partWarnings } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { StoreKeys } from '../../core/ports/store-keys.ts'
import { type CredentialFiles, createCredentialFiles } from './credential-files.ts'
import { createCurrentRecords } from './current-record.ts'
import { storageError } from './files/storage-error.ts'
import { holdKeyring } from './keys/held-keyring.ts'
import { createRevisions, type Revisions } from './revisions.ts'
import { revoke } from './revocation.ts'
import { announceServer, type ServerPresence } from './server-presence.ts'
import { openStoreFolder } from './store-folder.ts'
import { createStoreKeys } from './store-keys.ts'

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
  create: z.boolean().default(true),
  warn: z.custom<(message: string) => void>((value) => typeof value === 'function', 'must be a function').optional(),
  logger: loggerOption(),
} satisfies OptionSchemas<SealedFileOptions>)

interface OpenedStore {
  readonly root: string
  readonly masterKey: Uint8Array
  readonly files: CredentialFiles
  readonly revisions: Revisions
  readonly storeKeys: StoreKeys
}

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
  const { folder, key, keyFile, create } = settings
  const warn = partWarnings(settings, 'sealed-file')
  let store: OpenedStore | undefined
  let mark: ServerPresence | undefined

  function opened(): OpenedStore {
    if (store) return store
    throw new CredentialVaultError('configuration_invalid', `The sealed file ${folder} is not open.`, {
      reason: 'not_open',
    })
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
      const source = { name: 'MCP_VAULT_KEY', text: key, file: keyFile } as const
      const found = findKey({ ...source, warn, onFound: events?.keyConfigured })
      try {
        const { root, keyring, found: used } = await openStoreFolder(folder, found, { create, warn }, events)
        const keys = holdKeyring({
          root,
          keyring,
          found: used,
          findKey: () => findKey({ ...source, warn: () => {} }),
          warn,
        })
        const revisions = createRevisions(root)
        const records = createCurrentRecords(revisions, keys)
        const files = createCredentialFiles({ keys, revisions, records, warn })
        const { rejections } = files
        const storeKeys = createStoreKeys({ root, found: used, keys, records, revisions, rejections })
        store = { root, masterKey: used.key, files, revisions, storeKeys }
      } catch (error) {
        throw storageError(error, folder)
      }
    },

    read: (storageKey, { signal }) => guarded(({ files }) => files.read(storageKey), signal),

    stat: (storageKey, { signal }) => guarded(({ files }) => files.stat(storageKey), signal),

    isCurrent: (storageKey, version) => opened().files.isCurrent(storageKey, version),

    write: (storageKey, values, intent, { signal }) =>
      guarded(({ files }) => files.write(storageKey, values, intent, signal), signal),

    markRejected: (storageKey, version, rejectedAt, { signal }) =>
      guarded(({ files }) => files.rejections.set(storageKey, version, rejectedAt), signal),

    revoke: (storageKey, intent, { signal }) =>
      guarded(({ files, revisions }) => revoke(files, revisions, storageKey, intent, signal), signal),

    async *list({ signal }) {
      try {
        yield* opened().files.all(signal)
      } catch (error) {
        throw storageError(error, folder)
      }
    },

    locate: (storageKey) => opened().files.path(storageKey),

    deriveKey: (purpose) => deriveKey(opened().masterKey, `derived ${purpose}`),

    storeKeys: {
      rotate: (signal) => guarded(({ storeKeys }) => storeKeys.rotate(signal), signal),
      reseal: (options, signal) => guarded(({ storeKeys }) => storeKeys.reseal(options, signal), signal),
      rewrap: (newKey, signal) => guarded(({ storeKeys }) => storeKeys.rewrap(newKey, signal), signal),
      retire: (options, signal) => guarded(({ storeKeys }) => storeKeys.retire(options, signal), signal),
      exposed: (options, signal) => guarded(({ storeKeys }) => storeKeys.exposed(options, signal), signal),
    },

    async announceServer(serverBaseUrl) {
      await mark?.close()
      mark = await announceServer(opened().root, serverBaseUrl)
      return mark?.others ?? false
    },

    async close() {
      await mark?.close()
      mark = undefined
      if (store) wipe(store.masterKey)
      store = undefined
    },
  }
}
