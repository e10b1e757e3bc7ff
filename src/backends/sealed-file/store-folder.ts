import { lstat, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { FoundKey } from '../../core/crypto/key-source.ts'
import { keyId } from '../../core/crypto/key-text.ts'
import { openPrivateFolder } from '../../core/host/private-folder.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { OpeningEvents } from '../../core/ports/secret-backend.ts'
import { createTemporary, readSmallFile, removeQuietly, sweepTemporaries, syncFolder } from './files/durable-file.ts'
import { errnoOf } from './files/storage-error.ts'
import { createKeyring, type Keyring, keyOfKeyring, lockKeyring } from './keys/keyring.ts'
import { keyringPath, readKeyring } from './keys/keyring-file.ts'
import { createRevisions, linkOnce } from './revisions.ts'

/** An opened store: `keyring`, `records/` and `tmp/` in one folder. */
export interface StoreFolder {
  readonly root: string
  readonly keyring: Keyring
  /** The store key, and where it came from. */
  readonly found: FoundKey
}

/**
 * Opens the store, or creates one in a folder that holds none. When two processes do so at once, both use the keyring that was linked
 * first.
 *
 * @throws `key_missing`, `key_wrong`, `record_tampered` for a damaged keyring, `configuration_invalid` for an unsafe folder
 */
export async function openStoreFolder(
  folder: string,
  found: FoundKey | undefined,
  { create, warn }: { readonly create: boolean; readonly warn: (message: string) => void },
  events?: OpeningEvents,
): Promise<StoreFolder> {
  if (!found) throw await missingKey(folder)
  if (!create) await mustExist(folder)
  const root = await safeRoot(folder, warn)
  await makeFolders(root)
  const keyring = (await readKeyring(root, found)) ?? (await initialise(root, found, events))
  // Sync even if another process created the store: it may have been killed before its names were durable.
  await syncFolder(root)
  await sweepTemporaries(join(root, 'tmp'))
  return { root, keyring, found }
}

/**
 * Opens the folder of a store that another process made, without its keyring.
 *
 * @returns its real path
 * @throws `configuration_invalid` if it holds no store, or for an unsafe folder
 */
export async function openExistingStore(folder: string, warn: (message: string) => void): Promise<string> {
  await mustExist(folder)
  const root = await safeRoot(folder, warn)
  await makeFolders(root)
  await sweepTemporaries(join(root, 'tmp'))
  return root
}

async function mustExist(folder: string): Promise<void> {
  if ((await readSmallFile(keyringPath(folder))).kind !== 'missing' || (await hasRecords(folder))) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `There is no store in ${resolve(folder)}. Set MCP_VAULT_FOLDER to the folder that the server uses, or start the server once, which makes the store.`,
    { reason: 'no_store' },
  )
}

async function missingKey(folder: string): Promise<CredentialVaultError> {
  const looked =
    'Looked in: the options key and keyFile (not given), MCP_VAULT_KEY and MCP_VAULT_KEY_FILE in the environment (not set).'
  const keyring = await readSmallFile(keyringPath(folder))
  if (keyring.kind === 'missing' && !(await hasRecords(folder))) {
    return new CredentialVaultError(
      'key_missing',
      `The sealed file ${folder} needs a key. ${looked} Run "mcp-credential-vault keygen", keep the key safe and set MCP_VAULT_KEY_FILE to its file.`,
      { reason: 'no_key' },
    )
  }
  const lockedWith = keyring.kind === 'bytes' ? keyOfKeyring(keyring.bytes) : undefined
  const which = lockedWith === undefined ? 'its key' : `key ${lockedWith}`
  return new CredentialVaultError(
    'key_missing',
    `The sealed file ${folder} holds a store that only ${which} opens, but no key is configured. ${looked} Nothing was changed or deleted. ` +
      'Configure that key. Do not create a new one: it cannot open this store.',
    { reason: 'store_without_key' },
  )
}

async function safeRoot(folder: string, warn: (message: string) => void): Promise<string> {
  const { path, stats, topmost } = await openPrivateFolder(folder, {
    holds: 'store',
    setting: 'MCP_VAULT_FOLDER (sealedFile.folder)',
    warn,
  })
  await syncNames(resolve(folder), topmost)
  if ((stats.mode & 0o077) !== 0 && stats.uid === process.getuid?.()) {
    warn(`Other users may list the sealed file ${path}. Run: chmod 700 ${path}`)
  }
  return path
}

/** Syncs from the deepest new folder up to the first one that existed before. */
async function syncNames(root: string, topmost: string | undefined): Promise<void> {
  for (let child = root; topmost !== undefined; child = dirname(child)) {
    await syncFolder(dirname(child))
    if (child === topmost) return
  }
}

async function makeFolders(root: string): Promise<void> {
  for (const name of ['records', 'tmp']) {
    const path = join(root, name)
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error
    })
    if ((await lstat(path)).isDirectory()) continue
    throw new CredentialVaultError(
      'configuration_invalid',
      `${path} is a link or a file, but must be the store's own folder. Nothing was changed or deleted. Find out who put it there and restore the folder.`,
      { reason: 'folder_replaced' },
    )
  }
}

async function initialise(root: string, found: FoundKey, events: OpeningEvents | undefined): Promise<Keyring> {
  if (await hasRecords(root)) {
    // Another process may have made the store and saved its first record since the keyring was looked for.
    const keyring = await readKeyring(root, found)
    if (keyring) return keyring
    throw new CredentialVaultError(
      'key_missing',
      `${root} holds records, but their keyring ${keyringPath(root)} is missing. Nothing was changed or deleted. ` +
        'Restore the keyring from a backup; without it the records cannot be read. To start with an empty store, name another folder.',
      { reason: 'keyring_missing' },
    )
  }
  const keyring = createKeyring()
  const temporary = await createTemporary(join(root, 'tmp'), lockKeyring(keyring, found.key))
  try {
    if (await linkOnce(temporary, keyringPath(root))) {
      await syncFolder(root)
      events?.keyCreated?.(keyId(found.key))
      return keyring
    }
  } finally {
    await removeQuietly(temporary)
  }
  return (await readKeyring(root, found)) ?? initialise(root, found, events)
}

async function hasRecords(root: string): Promise<boolean> {
  try {
    for await (const _ of createRevisions(root).ids()) return true
    return false
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
