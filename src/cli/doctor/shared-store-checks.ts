import { randomUUID } from 'node:crypto'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { PendingKey, PendingStore } from '../../core/ports/pending-store.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'
import { type CheckResult, skipped, tried } from './check-result.ts'

const OPENS = 'the store that replicas share can be used'
const WORKS = 'open requests and sign-outs reach other replicas'
/** Milliseconds. The probes lapse by themselves after this time. */
const PROBE_LASTS = 60_000
/** Milliseconds within which a probe's message has to arrive. */
const HEARD_WITHIN = 5_000

/**
 * Tests the store of open requests and sign-outs with probes, and removes the request again. The probes are random ids, so they concern no
 * user. A single tier needs such a store, because the other tier is another process.
 */
export async function checkSharedStores(
  pendingStore: PendingStore,
  browserSessions: BrowserSessions,
  tier: BundleTier | undefined,
): Promise<readonly CheckResult[]> {
  if (!pendingStore.shared) {
    if (tier === undefined) return []
    const detail = `open requests are in the memory of the ${tier} tier, where the other tier does not find them: set MCP_PENDING_STORE=redis and the same MCP_REDIS_… in both tiers`
    return [{ check: OPENS, result: 'wrong', detail }]
  }
  const opening = await tried(async () => {
    await pendingStore.open?.()
    await browserSessions.open?.()
  })
  if (!opening.ok) {
    return [{ check: OPENS, result: 'wrong', detail: opening.problem }, skipped(WORKS, 'the store cannot be used')]
  }
  const probing = await tried(() => probe(pendingStore, browserSessions))
  const problem = probing.ok ? probing.value : probing.problem
  return [
    { check: OPENS, result: 'ok', detail: pendingStore.name },
    { check: WORKS, result: problem === undefined ? 'ok' : 'wrong', detail: problem ?? 'tried with probes' },
  ]
}

/** Returns what is wrong. */
async function probe(pendingStore: PendingStore, browserSessions: BrowserSessions): Promise<string | undefined> {
  const id = `doctor-${randomUUID()}`
  const until = Date.now() + PROBE_LASTS
  const entry = { key: id as PendingKey, slot: id, owner: id, sealed: '', expiresAt: until, keepUntil: until }
  let heard: (() => void) | undefined
  const woken = new Promise<boolean>((resolve) => {
    heard = () => resolve(true)
    setTimeout(() => resolve(false), HEARD_WITHIN).unref()
  })
  const stop = await pendingStore.listen(id, () => heard?.())
  try {
    await pendingStore.openOrReuse(entry)
    if (!(await pendingStore.claim(id as PendingKey, id, until))) return 'a request could not be claimed'
    await pendingStore.close(id as PendingKey, 'cancelled', [id])
    if ((await pendingStore.get(id as PendingKey))?.state !== 'closed') return 'a request could not be closed'
    if (!(await woken)) return 'a message did not arrive: waiting calls would find out late'
    await browserSessions.end(id, until)
    const session = { id, owner: id, startedAt: Date.now() }
    return (await browserSessions.isEnded(session)) ? undefined : 'a sign-out was not kept'
  } finally {
    stop()
  }
}
