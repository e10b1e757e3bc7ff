import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import type { FoundKey } from '../../../core/crypto/key-source.ts'
import { type CredentialVaultError, isCredentialVaultError } from '../../../core/model/errors.ts'
import { MAX_FILE_BYTES } from '../files/durable-file.ts'
import { headerOfKeyring, type Keyring, type StoreKeyring, unlockKeyring } from './keyring.ts'
import { keyringPath } from './keyring-file.ts'

/**
 * The keyring of a running process. `forReading` and `forWriting` check whether the file was replaced, which takes microseconds, and read it
 * again if so: a rotated, re-wrapped or retired key takes effect without a restart. They are synchronous, so that nothing else runs between
 * the check and the use.
 */
export interface HeldKeyring {
  /** The keys that open records. Call it after reading a record, because a key is in the keyring before the first record that needs it. */
  forReading(): StoreKeyring
  /**
   * The keys that make records.
   *
   * @throws `key_wrong` if the store has newer keys, which this process cannot use
   */
  forWriting(): StoreKeyring
  /** Why the file's newest keys cannot be used. Undefined while they can be. */
  problem(): CredentialVaultError | undefined
}

export interface HeldKeyringParts {
  readonly root: string
  readonly keyring: Keyring
  /** The store key that the keyring was opened with, and where it came from. */
  readonly found: FoundKey
  /** Reads the store key from its source again, in case the keyring was locked with another one meanwhile. */
  readonly findKey: () => FoundKey | undefined
  readonly warn: (message: string) => void
}

export function holdKeyring({ root, keyring, found, findKey, warn }: HeldKeyringParts): HeldKeyring {
  const path = keyringPath(root)
  let held = keyring
  let storeKey = found
  // The caller has just read the keyring; the first check reads it once more.
  let seen: string | undefined
  let problem: CredentialVaultError | undefined
  let isOutdated = false

  function look(): void {
    const identity = identityOf(path)
    // A missing file is reported at the next start. Until then the records can be used.
    if (identity === undefined || (identity === seen && !problem)) return
    const bytes = readKeyringBytes(path)
    if (!bytes) return
    const newest = headerOfKeyring(bytes)?.newest
    isOutdated = newest !== undefined && held.sealKeys.every(({ id }) => id !== newest)
    try {
      adopt(unlocked(bytes))
      problem = undefined
      isOutdated = false
    } catch (error) {
      if (!isCredentialVaultError(error)) throw error
      if (identity !== seen) warn(`${error.message} This process keeps using the keys that it has.`)
      problem = error
    }
    seen = identity
  }

  function unlocked(bytes: Buffer): Keyring {
    try {
      return unlockKeyring(bytes, storeKey, path)
    } catch (error) {
      const another = isCredentialVaultError(error, 'key_wrong') ? findKey() : undefined
      if (!another) throw error
      const keyring = unlockKeyring(bytes, another, path)
      storeKey = another
      return keyring
    }
  }

  function adopt(found: Keyring): void {
    if (found.store !== held.store || found.generation < held.generation) {
      warn(
        `${path} was replaced by an older keyring or by that of another store, and is ignored. Restore the newest one.`,
      )
    } else {
      held = found
    }
  }

  return {
    forReading() {
      look()
      return held
    },
    forWriting() {
      look()
      if (problem && isOutdated) throw problem
      return held
    },
    problem: () => problem,
  }
}

export function identityOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && `${stats.dev} ${stats.ino} ${stats.ctimeNs}`
}

export function readKeyringBytes(path: string): Buffer | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  try {
    const stats = fstatSync(file)
    return stats.isFile() && stats.size <= MAX_FILE_BYTES ? readFileSync(file) : undefined
  } finally {
    closeSync(file)
  }
}
