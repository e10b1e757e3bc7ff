import { keyId } from '../../core/crypto/key-text.ts'
import type { WebKeys } from '../../core/crypto/seal.ts'
import { withDeadline } from '../../core/host/deadline.ts'
import { createOutage } from '../../core/journal/outage.ts'
import { timeOfDay } from '../../core/model/printable.ts'
import type { PendingStore, WebKeyInUse } from '../../core/ports/pending-store.ts'

/** Milliseconds between two looks at the web keys of other replicas. */
const LOOK_EVERY = 60_000
/** Milliseconds to take back which key this process uses: a store that is away must not hold up its end. */
const END_WITHIN = 1_000
/** Milliseconds after which a process that runs has said again which key it uses. */
const SILENT_AFTER = LOOK_EVERY + 15_000

/** What to do when replicas use different web keys. */
export const SAME_KEY =
  'Give all replicas the same key in MCP_WEB_KEY_FILE (webKey): "mcp-credential-vault keygen --id FILE" prints the id of a key. To change the key, list the other one in MCP_WEB_KEY_ACCEPTED_FILE (acceptedWebKeys) first.'

/** Returns the keys in use that a server with these keys does not accept. */
export function unknownKeys(inUse: readonly WebKeyInUse[], keys: readonly Uint8Array[]): readonly WebKeyInUse[] {
  const accepted = new Set(keys.map(keyId))
  return inUse.filter(({ id }) => !accepted.has(id))
}

/** Whether no process has said lately that it uses this key, so that those that did have probably ended. */
export function isSilent({ seenAt }: WebKeyInUse): boolean {
  return Date.now() - seenAt.getTime() > SILENT_AFTER
}

/** E.g. `1f3a-09bc (last seen 40 s ago)`. */
export function describedKey({ id, seenAt }: WebKeyInUse): string {
  return `${id} (last seen ${Math.max(0, Math.round((Date.now() - seenAt.getTime()) / 1000))} s ago)`
}

/**
 * Tells other replicas which web key this process uses, as long as it runs, and warns when one of them uses a key that this process does
 * not accept. A store that cannot be asked says nothing: its outage is reported elsewhere. Returns the function that stops it, and tells
 * the others.
 */
export async function watchWebKeys(
  store: Pick<PendingStore, 'webKeysInUse' | 'endWebKeyUse'>,
  keys: WebKeys,
  warn: (message: string) => void,
): Promise<() => Promise<void>> {
  const mismatches = createOutage()

  async function look(): Promise<void> {
    const inUse = await store.webKeysInUse?.(keyId(keys[0])).catch(() => undefined)
    if (!inUse) return
    const unknown = unknownKeys(inUse, keys)
    if (unknown.length === 0) return void mismatches.end()
    const news = unknown.filter(({ id }) => mismatches.isNews(id))
    if (news.length > 0) warn(mismatch(news, keys))
  }

  if (!store.webKeysInUse) return async () => undefined
  await look()
  const timer = setInterval(() => void look(), LOOK_EVERY).unref()
  return async () => {
    clearInterval(timer)
    await withDeadline('The pending store', END_WITHIN, async () => store.endWebKeyUse?.()).catch(() => undefined)
  }
}

function mismatch(unknown: readonly WebKeyInUse[], [current, ...accepted]: WebKeys): string {
  const others = accepted.length === 0 ? '' : `, and accepts ${accepted.map(keyId).join(', ')} besides`
  const last = unknown.map(({ countsUntil }) => countsUntil.getTime()).sort((a, b) => b - a)[0] ?? 0
  return (
    `Another replica with the same store of open requests uses the web key ${unknown.map(describedKey).join(', ')}. This one uses ${keyId(current)}${others}. ` +
    `Each then takes the other's links for phishing and does not learn of its sign-outs. ${SAME_KEY} ` +
    `If that replica was killed and is not to come back, its key counts until ${timeOfDay(new Date(last))}.`
  )
}
