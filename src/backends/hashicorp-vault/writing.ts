import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted, withinTime } from '../../core/host/deadline.ts'
import { reasonOf } from '../../core/journal/refusal-event.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { checkExpectation } from '../../core/ports/expectation.ts'
import type { BackendCall, CredentialStatus, StoredVersion, WriteIntent } from '../../core/ports/secret-backend.ts'
import { withFieldNames } from '../vendor/field-names.ts'
import type { Kv } from './kv.ts'
import { isMarkedRevoked, labelsOfRevocation, labelsOfWrite, operationOf } from './labels.ts'
import { type KvMetadata, numberOf, statusOf } from './metadata.ts'

/** One credential, and the login that may change it. */
export interface WritePlace {
  readonly kv: Kv
  readonly path: string
  /** Parts of the owner that the path does not show. */
  readonly hidden: Partial<Owner>
  /** Where an operator finds it. */
  readonly location: string
  readonly warn: (message: string) => void
}

/** Milliseconds. */
const LABEL_DEADLINE = 2_000
/** Rounds of read and compare-and-set before a change gives up against other writers. */
export const MAX_ROUNDS = 30

/** Tries until the save succeeds or `expect` no longer holds. Each try is a compare-and-set. */
export async function writeSecret(
  place: WritePlace,
  values: CredentialValues,
  intent: WriteIntent,
  call: BackendCall,
): Promise<StoredVersion> {
  const { kv, path, hidden } = place
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    throwIfAborted(call.signal)
    const { metadata, status, current } = await baseOf(place, round === 1 ? intent.found : undefined, call)
    if (metadata && status.status === 'active' && operationOf(metadata) === intent.operationId) {
      const lost = lostOver(metadata, intent)
      if (lost) return takeBack(place, status.version, intent, lost, call)
      return status.version
    }
    checkExpectation(intent.expect, status)
    call.noteBase?.(status)
    const written = await kv.write(path, values, current, call)
    if (written) {
      call.noteWritten?.()
      const lost = await lostMeanwhile(place, intent, call)
      if (isCredentialVaultError(lost, 'conflict')) return takeBack(place, written, intent, lost, call)
      const described = withFieldNames(intent, values)
      // These also let a repeated attempt recognise this one.
      await writeLabels(place, labelsOfWrite(Number(written.label), described, hidden), call)
      if (lost) throw lost
      return written
    }
    await delay(Math.random() * 20 * Math.min(round, 5))
  }
  throw contended()
}

interface Base {
  readonly status: CredentialStatus
  /** The newest version's number, 0 if there is none. */
  readonly current: number
  readonly metadata: KvMetadata | undefined
}

/** Looks, unless core has just done so. A compare-and-set for a number that is not the newest is refused, and the next round looks. */
async function baseOf({ kv, path }: WritePlace, known: CredentialStatus | undefined, call: BackendCall): Promise<Base> {
  if (known) {
    const current = known.status === 'absent' ? 0 : numberOf(known.version.ref)
    return { status: known, current, metadata: undefined }
  }
  const metadata = await kv.metadata(path, call)
  return { status: statusOf(metadata), current: metadata?.current ?? 0, metadata }
}

/**
 * Looks again once a save that expects a version is stored: destroying or deleting a version leaves `current_version` as it is, so the
 * compare-and-set does not notice a revocation. Returns `conflict` if there was one, and `outcome_unknown` if the look fails.
 */
async function lostMeanwhile(
  { kv, path }: WritePlace,
  intent: WriteIntent,
  call: BackendCall,
): Promise<CredentialVaultError | undefined> {
  if (typeof intent.expect === 'string') return undefined
  let metadata: KvMetadata | undefined
  try {
    metadata = await kv.metadata(path, call)
  } catch (error) {
    return unconfirmed(error)
  }
  const replaced = statusOf(metadata, numberOf(intent.expect.version))
  // Its labels may have changed since the first look.
  if (replaced.status === 'active') call.noteBase?.(replaced)
  return lostOver(metadata, intent)
}

/** Returns `conflict` if the version that a stored save has replaced is revoked by now. */
function lostOver(
  metadata: KvMetadata | undefined,
  { expect, operationId }: WriteIntent,
): CredentialVaultError | undefined {
  if (typeof expect === 'string') return undefined
  const number = numberOf(expect.version)
  const replaced = statusOf(metadata, number)
  // Vault has forgotten it, if the engine keeps one version only. Then the mark of a revocation tells, ours of `takeBack` too.
  const isForgotten = replaced.status === 'absent' && metadata !== undefined
  const own = operationOf(metadata) === operationId ? metadata?.current : undefined
  const isMarked = [number, own].some((one) => one !== undefined && isMarkedRevoked(metadata?.customMetadata, one))
  if (isForgotten && !isMarked) return undefined
  try {
    checkExpectation(expect, replaced)
    return undefined
  } catch (error) {
    if (isCredentialVaultError(error)) return error
    throw error
  }
}

/** Revokes our own version, which must not bring a revoked credential back. */
async function takeBack(
  place: WritePlace,
  own: StoredVersion,
  { operationId }: WriteIntent,
  lost: CredentialVaultError,
  call: BackendCall,
): Promise<never> {
  const number = Number(own.label)
  // Before the destruction: if that fails, a repeated attempt recognises its version, and does it again.
  await writeLabels(place, labelsOfRevocation(number, operationId, new Date()), call)
  await place.kv.destroy(place.path, [number], call)
  throw lost
}

/** Writes the labels. The change is already stored, so a failure here only warns. */
export async function writeLabels(
  { kv, path, location, warn }: WritePlace,
  labels: Readonly<Record<string, string | null>>,
  call: BackendCall,
): Promise<void> {
  try {
    await kv.label(path, labels, withinTime(call, LABEL_DEADLINE))
  } catch (error) {
    warn(
      `The labels of ${location} could not be written (${reasonOf(error)}). The credential itself is stored. Give the login "patch" on its metadata, as docs/backends/policies do, if this warning comes back.`,
    )
  }
}

/** For a request that fails after the change itself. */
export function unconfirmed(cause: unknown): CredentialVaultError {
  const reason = isCredentialVaultError(cause) ? cause.reason : undefined
  return new CredentialVaultError(
    'outcome_unknown',
    'Vault made the change, and did not answer when it was checked. Look at the credential before you try again.',
    reason === undefined ? {} : { reason },
  )
}

export function contended(): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    'Other writers keep changing this credential. Nothing was changed. Try again.',
    {
      reason: 'contended',
      retryable: true,
    },
  )
}
