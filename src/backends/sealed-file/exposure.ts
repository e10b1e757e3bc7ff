import { throwIfAborted } from '../../core/host/deadline.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { storageKey } from '../../core/model/storage-key.ts'
import type { ExposedCredential, Exposure } from '../../core/ports/store-keys.ts'
import { type CurrentRecord, type CurrentRecords, versionOf } from './current-record.ts'
import type { StoreKeyring } from './keys/keyring.ts'
import { numberOf, openRecord, type RecordHeader } from './record.ts'
import { HOLD_MS, type Revisions } from './revisions.ts'

export interface ExposureParts {
  readonly keyring: StoreKeyring
  readonly records: CurrentRecords
  readonly revisions: Revisions
}

/**
 * Lists the credentials that an exposed key could have opened. An old copy of the folder may still hold a rewritten value under the exposed
 * key, so the time at which that value was saved decides. A value that was never rewritten has only ever been under its present key.
 *
 * @param key id of the seal key; undefined if all keys were exposed
 * @throws `configuration_invalid` for a key that this store never had
 */
export async function exposed(
  { keyring, records, revisions }: ExposureParts,
  key: string | undefined,
  signal: AbortSignal,
): Promise<Exposure> {
  const exposedKey = key === undefined ? undefined : { id: key, inUseUntil: endOf(keyring, key) }
  const credentials: ExposedCredential[] = []
  const damaged: string[] = []
  let nameless = 0
  for await (const id of revisions.ids()) {
    throwIfAborted(signal)
    const found = await records.find(id)
    if (found.kind === 'damaged') damaged.push(revisions.path(id, '*'))
    else if (found.kind === 'emptied' || isPurged(found)) nameless += 1
    else if (found.kind === 'verified') {
      const { header } = found.record
      const exposure = exposureOf(header, exposedKey, keyring)
      if (!exposure) continue
      const { provider, owner } = openRecord(found.record, found.keyring)
      const status = header.kind === 'active' ? 'active' : 'revoked'
      const { label: version, createdAt: since } = versionOf(header)
      credentials.push({ key: storageKey(provider, owner), status, version, since, exposure })
    }
  }
  return { credentials, nameless, damaged }
}

interface ExposedKey {
  readonly id: string
  /** Unix milliseconds. */
  readonly inUseUntil: number
}

/** @param exposed undefined if all keys were exposed */
function exposureOf(
  header: RecordHeader,
  exposed: ExposedKey | undefined,
  { sealKeys }: StoreKeyring,
): ExposedCredential['exposure'] | undefined {
  const isActive = header.kind === 'active'
  if (!exposed) return isActive ? 'current' : 'earlier'
  // The newest key is first.
  const age = (id: string) => sealKeys.findIndex((one) => one.id === id)
  // Records only move to newer keys, so one under an older key was never under the exposed one. A retired key is older than all of them.
  if (age(exposed.id) !== -1 && age(header.sealKey) > age(exposed.id)) return undefined
  const isRewritten = header.number !== undefined
  const isUnder = header.sealKey === exposed.id || (isRewritten && header.at < exposed.inUseUntil)
  if (isActive && isUnder) return 'current'
  // A record does not contain the keys and times of its earlier versions, so each counts as exposed.
  return header.kind === 'revoked' || numberOf(header) > 1 ? 'earlier' : undefined
}

function isPurged(found: CurrentRecord): boolean {
  return found.kind === 'verified' && found.record.header.kind === 'purged'
}

/** Returns when the last writer had dropped the key, in Unix milliseconds. The newest key is still in use. */
function endOf({ sealKeys, retired }: StoreKeyring, key: string): number {
  const at = sealKeys.findIndex(({ id }) => id === key)
  if (at === 0) return Number.POSITIVE_INFINITY
  const end = sealKeys[at - 1]?.createdAt ?? retired.find(({ id }) => id === key)?.replacedAt
  if (end !== undefined) return end + HOLD_MS
  const known = [...sealKeys, ...retired].map(({ id }) => id).join(', ')
  throw new CredentialVaultError(
    'configuration_invalid',
    `This store never had a key with that id. Its keys, newest first, are ${known}.`,
    { reason: 'key_unknown' },
  )
}
