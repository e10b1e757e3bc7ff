import { randomUUID } from 'node:crypto'
import { createBackendCalls } from '../dist/core/credentials/backend-calls.js'
import { createAccessLog } from '../dist/core/credentials/credential-audit.js'
import { createCredentialReader } from '../dist/core/credentials/credential-reader.js'
import { createHealth } from '../dist/core/journal/health.js'
import { type StorageKey, storageKey } from '../dist/core/model/storage-key.js'
import { defineVariables } from '../dist/core/model/variables.js'
import type { AuditSink } from '../dist/core/ports/audit-sink.js'
import type { SecretBackend } from '../dist/core/ports/secret-backend.js'
import { memoryAudit } from '../src/audit/memory.ts'
import { createJournal } from '../src/core/journal/journal.ts'
import { newCorrelationId } from '../src/core/model/correlation-id.ts'
import { type Measure, median } from './measure.ts'
import type { VendorStore } from './vendor-store.ts'

const TOKEN = 'x'.repeat(200)
const CREDENTIALS = 50
/** Reads of the cache between two looks at the clock. */
const BATCH = 100
/** Turns before the first that counts: neither side is to answer for code that has not been compiled yet. */
const WARM_UP = 500
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })

/**
 * Median times of a release through everything that a tool's call goes through, with the cache off and no durable audit, and of a raw
 * read of the same credential, by turns.
 *
 * @param name e.g. `vault-read`
 */
export async function readMeasures(name: string, { backend, raw }: VendorStore, seconds: number): Promise<Measure[]> {
  const keys = await filled(backend)
  const release = releaseOf(backend, 0)
  const samples = { released: [] as number[], raw: [] as number[] }
  const sample = async (into: number[], read: () => Promise<unknown>) => {
    const start = performance.now()
    const value = await read()
    into.push(performance.now() - start)
    if (value !== TOKEN) throw new Error(`${name} read something else than the token.`)
  }
  let end = Number.POSITIVE_INFINITY
  for (let turn = 0; performance.now() < end || turn < WARM_UP + 200; turn += 1) {
    const key = keys[turn % keys.length] ?? keyOf(0)
    const both = [() => sample(samples.released, () => release(key)), () => sample(samples.raw, () => raw(key))]
    for (const each of turn % 2 ? both : both.toReversed()) await each()
    if (turn !== WARM_UP) continue
    for (const all of Object.values(samples)) all.length = 0
    end = performance.now() + seconds * 1_000
  }
  const [ours, theirs] = [median(samples.released), median(samples.raw)]
  return [
    { name: `${name}-vs-raw`, value: rounded(ours / theirs), unit: 'ratio', goal: '≤ 1.15' },
    { name, value: rounded(ours), unit: 'ms', goal: 'for orientation' },
    { name: `raw-${name}`, value: rounded(theirs), unit: 'ms', goal: 'for orientation' },
  ]
}

/** A release from the cache, without durable audit: what a burst of calls costs beside its audit lines. */
export async function cachedReadMeasures({ backend }: VendorStore, seconds: number): Promise<Measure[]> {
  const keys = await filled(backend)
  const release = releaseOf(backend, 300_000)
  for (const key of keys) await release(key)
  const batches: number[] = []
  const end = performance.now() + seconds * 1_000
  for (let turn = 0; performance.now() < end || turn < 200; turn += 1) {
    const start = performance.now()
    for (let count = 0; count < BATCH; count += 1) await release(keys[count % keys.length] ?? keyOf(0))
    batches.push(performance.now() - start)
  }
  const microseconds = (median(batches) * 1000) / BATCH
  return [
    { name: 'cached-read', value: rounded(microseconds), unit: 'µs', goal: 'for orientation' },
    { name: 'cached-reads', value: rounded(1e6 / microseconds), unit: '1/s', goal: 'for orientation' },
  ]
}

function releaseOf(backend: SecretBackend, cacheTtl: number): (key: StorageKey) => Promise<unknown> {
  let kept = memoryAudit()
  const audit: AuditSink = {
    async append(event) {
      // Lines that pile up would be the collector's work, and a real log keeps none.
      if (kept.events.length === BATCH) kept = memoryAudit()
      return kept.append(event)
    },
    close: async () => undefined,
  }
  const health = createHealth(console.error)
  const { name } = backend
  const log = createAccessLog(createJournal({ audit, health }), name)
  const reader = createCredentialReader({ backend, calls: createBackendCalls({ name, health }), log, cacheTtl })
  return async (key) => {
    const context = { correlationId: newCorrelationId(), tool: 'create_issue', clientId: 'bench' }
    return (await reader.release(key, variables, context)).values['pat']
  }
}

async function filled(backend: SecretBackend): Promise<readonly StorageKey[]> {
  const keys = Array.from({ length: CREDENTIALS }, (_, index) => keyOf(index))
  for (const key of keys) {
    await backend.write(
      key,
      { pat: TOKEN },
      { expect: 'any', audit: { writer: 'bench', seq: 1 }, operationId: randomUUID() },
      { signal: AbortSignal.timeout(20_000), correlationId: newCorrelationId() },
    )
  }
  return keys
}

function keyOf(index: number): StorageKey {
  return storageKey('jira', { issuer: 'https://login.example.com', subject: `user-${index}` })
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
