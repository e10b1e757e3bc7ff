import { type FoundKey, findKey, type KeySource } from '../../core/crypto/key-source.ts'
import type { OpeningEvents, Tier } from '../../core/ports/secret-backend.ts'
import type { StoreKeys } from '../../core/ports/store-keys.ts'
import { type CredentialFiles, createCredentialFiles } from './credential-files.ts'
import { createCurrentRecords } from './current-record.ts'
import { readBundle } from './keys/bundle.ts'
import { holdBundle } from './keys/held-bundle.ts'
import { type HeldKeyring, holdKeyring } from './keys/held-keyring.ts'
import { createRevisions, type Revisions } from './revisions.ts'
import { openExistingStore, openStoreFolder } from './store-folder.ts'
import { createStoreKeys } from './store-keys.ts'

export interface OpenedStore {
  readonly root: string
  readonly tier: Tier
  readonly keys: HeldKeyring
  readonly files: CredentialFiles
  readonly revisions: Revisions
  /** Undefined in a process that has one tier's bundle. */
  readonly master: { readonly key: Uint8Array; readonly storeKeys: StoreKeys } | undefined
}

interface StoreFolder {
  readonly folder: string
  readonly warn: (message: string) => void
}

export interface StoreKeyParts extends StoreFolder {
  readonly create: boolean
  /** The source of the key, which is asked again when another process has locked the store with another key. */
  readonly source: KeySource
  readonly found: FoundKey | undefined
  readonly events: OpeningEvents | undefined
}

export async function openWithStoreKey(parts: StoreKeyParts): Promise<OpenedStore> {
  const { folder, create, source, found, events, warn } = parts
  const { root, keyring, found: used } = await openStoreFolder(folder, found, { create, warn }, events)
  const again = () => findKey({ ...source, warn: () => {} })
  const opened = partsOf(root, holdKeyring({ root, keyring, found: used, findKey: again, warn }), warn)
  return { ...opened, tier: 'both', master: { key: used.key, storeKeys: createStoreKeys({ ...opened, found: used }) } }
}

/** @param path the bundle's file */
export async function openWithBundle(path: string, { folder, warn }: StoreFolder): Promise<OpenedStore> {
  const bundle = readBundle(path, warn)
  const root = await openExistingStore(folder, warn)
  return { ...partsOf(root, holdBundle({ root, bundle, path, warn }), warn), tier: bundle.tier, master: undefined }
}

function partsOf(root: string, keys: HeldKeyring, warn: StoreFolder['warn']) {
  const revisions = createRevisions(root)
  const records = createCurrentRecords(revisions, keys)
  const files = createCredentialFiles({ keys, revisions, records, warn })
  return { root, keys, revisions, records, files, rejections: files.rejections }
}
