import { randomBytes } from 'node:crypto'
import { type BackendCalls, concernsOneCredential } from '../../core/credentials/backend-calls.ts'
import { traceOf } from '../../core/credentials/call-trace.ts'
import { withDeadline } from '../../core/host/deadline.ts'
import type { Drain } from '../../core/host/drain.ts'
import type { Health, HealthPart } from '../../core/journal/health.ts'
import type { Journal } from '../../core/journal/journal.ts'
import { adviceOf, reasonOf } from '../../core/journal/refusal-event.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { storageKey } from '../../core/model/storage-key.ts'
import type { Identity } from '../../core/ports/identity.ts'
import type { PendingKey, PendingStore } from '../../core/ports/pending-store.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { FindProblems } from '../../web/http/health-routes.ts'

export interface ReadinessParts {
  readonly backend: Pick<SecretBackend, 'stat' | 'checkKeys'>
  readonly calls: BackendCalls
  readonly pendingStore: Pick<PendingStore, 'get'>
  readonly identity: Pick<Identity, 'check'>
  readonly journal: Pick<Journal, 'probe'>
  readonly health: Health
  readonly drain: Pick<Drain, 'begun'>
  /** Rejects if this process holds more rights than its tier may have. Absent where there is nothing to prove. */
  readonly tier?: (() => Promise<void>) | undefined
  /** Providers below whose names the backend may be asked. */
  readonly providers: () => Iterable<string>
}

/** Asks one part. It rejects if the part does not work. */
type Check = () => Promise<unknown>

/** Milliseconds for which the answer of a part counts. So nobody who asks often makes us ask a part often. */
const GOOD_FOR = 5_000
const BAD_FOR = 1_000
/** Identity providers are often other people's, and limit what they answer. */
const IDENTITY_GOOD_FOR = 30_000
/** Milliseconds after which a part that does not answer counts as failing. Its answer still counts once it comes. */
const PATIENCE = 3_000

/** Owner of nothing: the backend is asked whether this owner has a credential. */
const NOBODY = { issuer: 'urn:mcp-credential-vault:readyz', subject: 'readyz' }

/**
 * Finds out whether this process can serve now. Each part is asked itself, so that what users and services do cannot change the answer: the
 * backend for a credential that does not exist, the pending store for such a request, the identity provider for its keys, the store's keys
 * whether they still fit. The audit log is asked whether a line could be written, and after one that failed by a line.
 */
export function createReadiness(parts: ReadinessParts): FindProblems {
  const { backend, calls, pendingStore, identity, journal, health, drain, providers, tier } = parts
  const checks: Readonly<Record<string, () => Promise<string | undefined>>> = {
    backend: remembered(GOOD_FOR, async () => {
      const key = storageKey([...providers()][0] ?? 'readyz', NOBODY)
      await calls.ask(traceOf({ correlationId: newCorrelationId() }), (call) => backend.stat(key, call))
    }),
    keys: remembered(GOOD_FOR, async () => backend.checkKeys?.()),
    'pending-store': remembered(GOOD_FOR, () => pendingStore.get(anyKey())),
    audit: remembered(GOOD_FOR, () => journal.probe()),
    identity: remembered(
      IDENTITY_GOOD_FOR,
      reported(health, 'identity', async () => identity.check?.()),
    ),
    tier: remembered(GOOD_FOR, async () => tier?.()),
  }

  return async () => {
    // The stores may be closed already.
    if (drain.begun) return new Map([['server', 'draining']])
    const found = await Promise.all(
      Object.entries(checks).map(async ([part, problem]) => [part, await problem()] as const),
    )
    const problems = new Map(found.flatMap(([part, problem]) => (problem === undefined ? [] : [[part, problem]])))
    // The breaker says only that there were failures.
    const known = health.problems().get('backend')
    if (problems.get('backend') === 'circuit_open' && known !== undefined) problems.set('backend', known)
    if (drain.begun) problems.set('server', 'draining')
    return problems
  }
}

/** Returns the code of the part's problem, or undefined. All who ask at once wait for one check. */
function remembered(goodFor: number, check: Check): () => Promise<string | undefined> {
  let running: Promise<string | undefined> | undefined
  let last: { readonly problem: string | undefined; readonly until: number } | undefined

  async function ask(): Promise<string | undefined> {
    const problem = await problemOf(check)
    last = { problem, until: performance.now() + (problem === undefined ? goodFor : BAD_FOR) }
    running = undefined
    return problem
  }

  return async () => {
    if (last && performance.now() < last.until) return last.problem
    running ??= ask()
    const asked = running
    return withDeadline('The part', PATIENCE, () => asked).catch(() => 'timeout')
  }
}

async function problemOf(check: Check): Promise<string | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    if (isCredentialVaultError(error) && concernsOneCredential(error)) return undefined
    return isCredentialVaultError(error, 'key_wrong') ? error.code : reasonOf(error)
  }
}

/** Reports the outcomes of the check to health. It takes back only what it has reported itself. */
function reported(health: Health, part: HealthPart, check: Check): Check {
  let failed = false
  return async () => {
    try {
      await check()
      if (failed) health.recovered(part)
      failed = false
    } catch (error) {
      failed = true
      health.failed(part, reasonOf(error), adviceOf(error))
      throw error
    }
  }
}

function anyKey(): PendingKey {
  return randomBytes(32).toString('base64url') as PendingKey
}
