import { ownerHashes } from '../../core/crypto/owner-hash.ts'
import type { Sealer } from '../../core/crypto/seal.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { WebParts } from '../http/web-parts.ts'
import { LOGIN_SECONDS } from './login-cookie.ts'

type EndingParts = Pick<WebParts, 'sessions'> & {
  readonly sealer: Pick<Sealer<never, 'owner'>, 'macs'>
  readonly options: Pick<WebParts['options'], 'sessionMaxSeconds'>
}

/**
 * Ends every browser session of the owner that began before now or in this millisecond, on every replica. The end is remembered until the
 * last session could expire whose login has begun by now.
 *
 * @throws `unavailable`, and then the sessions still exist
 */
export async function endSessionsOf({ sessions, sealer, options }: EndingParts, owner: Owner): Promise<void> {
  const notBefore = Date.now() + 1
  const until = notBefore + (LOGIN_SECONDS + options.sessionMaxSeconds) * 1000
  await Promise.all(ownerHashes(sealer, owner).map((hash) => sessions.endAll(hash, notBefore, until)))
}
