import { CredentialVaultError, isCredentialVaultError } from '../../../core/model/errors.ts'
import { type Bundle, bundleLabel, readBundle } from './bundle.ts'
import { type HeldKeyring, identityOf, readKeyringBytes } from './held-keyring.ts'
import { headerOfKeyring } from './keyring.ts'
import { keyringPath } from './keyring-file.ts'

export interface HeldBundleParts {
  readonly root: string
  readonly bundle: Bundle
  /** The bundle's file. */
  readonly path: string
  readonly warn: (message: string) => void
}

/**
 * The keys of a process that has one tier's bundle. A bundle that replaces it in its file takes effect without a restart.
 *
 * The store's keyring stays locked for this process. Its header says which key is the newest: while the bundle lacks that one, nothing is
 * written, since "keys retire" counts on every writer to use it.
 *
 * @throws `configuration_invalid` if the bundle is another store's
 */
export function holdBundle({ root, bundle, path, warn }: HeldBundleParts): HeldKeyring {
  const lockedPath = keyringPath(root)
  let held = bundle
  let seenBundle = identityOf(path)
  let seenKeyring: string | undefined
  let problem: CredentialVaultError | undefined

  const header = lockedHeader()
  if (header && header.store !== bundle.keyring.store) throw otherStore(path, root)
  look()

  function lockedHeader() {
    const bytes = readKeyringBytes(lockedPath)
    return bytes && headerOfKeyring(bytes)
  }

  function look(): void {
    const bundleNow = identityOf(path)
    const keyringNow = identityOf(lockedPath)
    if (bundleNow === seenBundle && keyringNow === seenKeyring) return
    if (bundleNow !== undefined && bundleNow !== seenBundle) adopt()
    seenBundle = bundleNow
    seenKeyring = keyringNow
    const newest = lockedHeader()?.newest
    const isCurrent = newest === undefined || held.keyring.sealKeys.some(({ id }) => id === newest)
    if (isCurrent) problem = undefined
    else {
      problem = outdated(path, newest, held.tier)
      warn(problem.message)
    }
  }

  function adopt(): void {
    try {
      const found = readBundle(path, () => {})
      const { store, generation } = held.keyring
      if (found.tier === held.tier && found.keyring.store === store && found.keyring.generation >= generation)
        held = found
      else
        warn(
          `${bundleLabel(path)} was replaced by an older bundle, or by one of another tier or store, and is ignored until it fits.`,
        )
    } catch (error) {
      if (!isCredentialVaultError(error)) throw error
      warn(`${error.message} This process keeps using the keys that it has.`)
    }
  }

  return {
    forReading() {
      look()
      return held.keyring
    },
    forWriting() {
      look()
      if (problem) throw problem
      return held.keyring
    },
    problem: () => problem,
  }
}

function outdated(path: string, newest: string, tier: Bundle['tier']): CredentialVaultError {
  const command = tier === 'form' ? 'export-writer' : 'export-reader'
  return new CredentialVaultError(
    'key_wrong',
    `The bundle of ${bundleLabel(path)} lacks the store's newest key ${newest}. Nothing was changed. Make a new bundle with "mcp-credential-vault keys ${command}" and replace the file; no restart is needed.`,
    { reason: 'bundle_outdated' },
  )
}

function otherStore(path: string, root: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `The bundle of ${bundleLabel(path)} belongs to another store than ${root}. Nothing was changed. Set MCP_VAULT_FOLDER or MCP_VAULT_BUNDLE_FILE to the one that fits.`,
    { reason: 'bundle_store' },
  )
}
