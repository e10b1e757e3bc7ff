import { throwIfAborted } from '../../core/host/deadline.ts'
import { checkExpectation } from '../../core/ports/expectation.ts'
import type { BackendCall, RevokeIntent } from '../../core/ports/secret-backend.ts'
import { isMarkedRevoked, labelsOfRevocation, operationOf } from './labels.ts'
import { type KvMetadata, statusOf } from './metadata.ts'
import { contended, MAX_ROUNDS, unconfirmed, type WritePlace, writeLabels } from './writing.ts'

/**
 * Destroys every version, then marks the metadata, then looks again for what was saved meanwhile. A save that expects a version looks after
 * its write for a destroyed version or the mark, so that one of the two sees the other.
 */
export async function revokeSecret(
  place: WritePlace,
  { expect, operationId, purge }: RevokeIntent,
  call: BackendCall,
): Promise<boolean> {
  const { kv, path } = place
  let metadata = await kv.metadata(path, call)
  const status = statusOf(metadata)
  if (!metadata || (status.status === 'absent' && !purge)) return false
  if (expect !== 'any') checkExpectation(expect, status)
  if (purge) {
    await kv.purge(path, call)
    return true
  }
  const done = operationOf(metadata) === operationId
  if (notDestroyed(metadata).length === 0) {
    if (!isMarkedRevoked(metadata.customMetadata, metadata.current))
      await writeLabels(place, labelsOfRevocation(metadata.current, operationId, new Date()), call)
    return done
  }
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    throwIfAborted(call.signal)
    await kv.destroy(path, notDestroyed(metadata), call)
    await writeLabels(place, labelsOfRevocation(metadata.current, operationId, new Date()), call)
    const next: KvMetadata | undefined = await kv.metadata(path, call).catch((error: unknown) => {
      throw unconfirmed(error)
    })
    if (!next || notDestroyed(next).length === 0) return true
    if (expect !== 'any') checkExpectation(expect, statusOf(next))
    metadata = next
  }
  throw contended()
}

function notDestroyed({ versions }: KvMetadata): readonly number[] {
  return versions.filter(({ destroyed }) => !destroyed).map(({ number }) => number)
}
