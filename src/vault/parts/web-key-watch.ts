import { keyId } from '../../core/crypto/key-text.ts'
import type { WebKeys } from '../../core/crypto/seal.ts'
import type { PendingStore } from '../../core/ports/pending-store.ts'

/** Milliseconds between two looks at the web keys of other replicas. */
const LOOK_EVERY = 60_000

const MESSAGE =
  "Another replica with the same store of open requests uses a web key that this one does not accept, or did within the last three minutes. Each then takes the other's links for phishing and does not hear its sign-outs. Give all replicas the same key in MCP_WEB_KEY_FILE (webKey). To change the key, list the other one in MCP_WEB_KEY_ACCEPTED_FILE (acceptedWebKeys) first."

/** Whether a replica uses a web key that is none of these. `ids` are those that the store has noted. */
export function hasUnknownKey(ids: readonly string[], keys: readonly Uint8Array[]): boolean {
  const accepted = new Set(keys.map(keyId))
  return ids.some((id) => !accepted.has(id))
}

/**
 * Tells other replicas which web key this process uses, as long as it runs, and warns when one of them uses a key that this process does
 * not accept. A store that cannot be asked says nothing: its outage is reported elsewhere. Returns the function that stops it.
 */
export async function watchWebKeys(
  store: Pick<PendingStore, 'webKeyIds'>,
  keys: WebKeys,
  warn: (message: string) => void,
): Promise<() => void> {
  let isReported = false

  async function look(): Promise<void> {
    const ids = await store.webKeyIds?.(keyId(keys[0])).catch(() => undefined)
    if (!ids) return
    const isUnknown = hasUnknownKey(ids, keys)
    if (isUnknown && !isReported) warn(MESSAGE)
    isReported = isUnknown
  }

  if (!store.webKeyIds) return () => undefined
  await look()
  const timer = setInterval(() => void look(), LOOK_EVERY).unref()
  return () => clearInterval(timer)
}
