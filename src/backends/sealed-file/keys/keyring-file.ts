import { open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FoundKey } from '../../../core/crypto/key-source.ts'
import { CredentialVaultError } from '../../../core/model/errors.ts'
import { createTemporary, readSmallFile, removeQuietly, syncFolder } from '../files/durable-file.ts'
import { errnoOf } from '../files/storage-error.ts'
import { type Keyring, lockKeyring, unlockKeyring } from './keyring.ts'

/** Milliseconds. A change holds the lock for one small write, so an older lock was left by a killed command. */
const STALE_LOCK = 5_000
const LONGEST_WAIT = 10_000

export function keyringPath(root: string): string {
  return join(root, 'keyring')
}

/** @throws `key_wrong`, `record_tampered` */
export async function readKeyring(root: string, found: FoundKey): Promise<Keyring | undefined> {
  const path = keyringPath(root)
  const file = await readSmallFile(path)
  if (file.kind === 'missing') return undefined
  return unlockKeyring(file.kind === 'bytes' ? file.bytes : Buffer.alloc(0), found, path)
}

/** The keyring after a change, and the key that locks it. */
export interface ChangedKeyring {
  readonly keyring: Keyring
  readonly lockWith: Uint8Array
}

/**
 * Replaces the keyring by what `change` makes of it, atomically and durably. One change runs at a time. After `kill -9` the file is the old
 * one or the new one.
 *
 * @throws `conflict` if another command changes the keyring, and the errors of {@link readKeyring} and `change`
 */
export async function changeKeyring(
  root: string,
  found: FoundKey,
  change: (keyring: Keyring) => ChangedKeyring | Promise<ChangedKeyring>,
): Promise<Keyring> {
  const unlock = await lock(root)
  try {
    const before = await identityOf(root)
    const current = await readKeyring(root, found)
    if (!current) throw keyringBusy('The store has no keyring any more.')
    const { keyring, lockWith } = await change(current)
    const temporary = await createTemporary(join(root, 'tmp'), lockKeyring(keyring, lockWith))
    try {
      // A command that was suspended for longer than its lock lasts must not undo a later change.
      if ((await identityOf(root)) !== before) throw keyringBusy('Another command changed the keyring meanwhile.')
      await rename(temporary, keyringPath(root))
    } finally {
      await removeQuietly(temporary)
    }
    await syncFolder(root)
    return keyring
  } finally {
    await unlock()
  }
}

async function identityOf(root: string): Promise<string> {
  const { ino, ctimeNs } = await stat(keyringPath(root), { bigint: true })
  return `${ino} ${ctimeNs}`
}

/** Returns the function that releases the lock. */
async function lock(root: string): Promise<() => Promise<void>> {
  const path = join(root, 'keyring.lock')
  const since = performance.now()
  for (;;) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return () => removeQuietly(path)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
    const found = await stat(path).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > STALE_LOCK) await breakLock(root, path)
    else if (performance.now() - since > LONGEST_WAIT) throw keyringBusy('Another command is changing the keyring.')
    else await delay(20)
  }
}

/** Moves a stale lock away. Only one of several commands that find it succeeds. */
async function breakLock(root: string, path: string): Promise<void> {
  const aside = join(root, 'tmp', `broken-lock-${process.pid}`)
  await rename(path, aside).catch(() => {})
  await removeQuietly(aside)
}

export function keyringBusy(problem: string): CredentialVaultError {
  return new CredentialVaultError('conflict', `${problem} Nothing was changed. Try again.`, { reason: 'keyring_busy' })
}
