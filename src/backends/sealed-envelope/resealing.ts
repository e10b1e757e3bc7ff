import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { withRetries } from '../../core/credentials/retries.ts'
import { throwIfAborted, withDeadline } from '../../core/host/deadline.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { SEALED_FIELD } from '../../core/model/stored-values.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { inBatch } from '../../core/operations/batch.ts'
import type {
  BackendCall,
  CredentialLookup,
  CredentialStatus,
  SecretBackend,
  StoredCredential,
  StoredVersion,
  VersionLabels,
  WriteIntent,
} from '../../core/ports/secret-backend.ts'
import type { ResealReport, ResealRequest, StoreKeys } from '../../core/ports/store-keys.ts'
import type { EnvelopeKeys } from './envelope-keys.ts'
import { openSealed, sealedText } from './sealed-text.ts'

export interface ResealingParts {
  readonly inner: SecretBackend
  /** Called for each record. Throws `configuration_invalid` before `open()`. */
  readonly keys: () => EnvelopeKeys
  readonly acceptPlain: boolean
}

/** Milliseconds for one request to the store with its retries. */
const REQUEST_DEADLINE = 10_000
/** Attempts for one record, when other writers are first or answers are lost. */
const MAX_ROUNDS = 20

type Outcome = 'resealed' | 'upToDate' | 'emptied' | 'damaged' | 'unknownKey' | 'notSealed'
type Active = Extract<CredentialStatus, { status: 'active' }>

/** A record as it is found, and its values if they can be sealed again. */
interface Found {
  readonly status: Active
  readonly text: unknown
  readonly keyId: string | undefined
  readonly values: CredentialValues
}

/** The new version takes this over from the one that is rewritten. */
interface Kept {
  readonly labels: VersionLabels
  readonly audit: WriteIntent['audit']
}

/**
 * Rewrites every record that is not under the first key. Each is a compare-and-set on the version that was read, so that a save at the same
 * time wins. The new version has the labels and the audit line of the one before. It keeps no state besides the records: after `kill -9` the
 * next run finishes what is left.
 */
export function createResealing(parts: ResealingParts): Pick<StoreKeys, 'reseal'> {
  return {
    async reseal(request, signal) {
      const { records, problem } = await listed(parts.inner, signal)
      const report = await resealAll(parts, records, request, signal)
      // As in `list`, a record that cannot be named is reported after everything else.
      if (problem) throw problem
      return report
    },
  }
}

async function listed(inner: SecretBackend, signal: AbortSignal) {
  const records: StoredCredential[] = []
  try {
    for await (const stored of inner.list({ signal, correlationId: newCorrelationId() })) records.push(stored)
  } catch (error) {
    if (!isCredentialVaultError(error, 'record_tampered')) throw error
    return { records, problem: error }
  }
  return { records }
}

async function resealAll(
  parts: ResealingParts,
  records: readonly StoredCredential[],
  { dryRun, onProgress }: ResealRequest,
  signal: AbortSignal,
): Promise<ResealReport> {
  const total = records.length
  let failed: unknown
  const work = async (stored: StoredCredential): Promise<Outcome> => {
    if (failed) throw failed
    try {
      return await resealOne(parts, stored, dryRun, signal)
    } catch (error) {
      // An outage concerns every record, so the run ends.
      failed ??= error
      throw error
    }
  }
  const outcomes = await inBatch(records, work, (done) => {
    if (!failed) onProgress({ done, total })
  })
  if (failed) throw failed
  const of = (outcome: Outcome) => outcomes.filter((one) => 'result' in one && one.result === outcome)
  const places = (outcome: Outcome) => of(outcome).map(({ item }) => parts.inner.locate(item.key))
  return {
    total,
    resealed: of('resealed').length,
    upToDate: of('upToDate').length,
    emptied: of('emptied').length,
    damaged: places('damaged'),
    unknownKey: places('unknownKey'),
    notSealed: places('notSealed'),
  }
}

/** A version whose write was not answered. It may be stored without its labels. */
interface Lost {
  readonly text: string
  readonly kept: Kept
}

async function resealOne(
  parts: ResealingParts,
  stored: StoredCredential,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<Outcome> {
  const requests = requestsOf(parts.inner, signal)
  let lost: Lost | undefined
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    throwIfAborted(signal)
    const found = await look(parts, stored, requests)
    if (typeof found === 'string') return found
    if (found) {
      const next = nextVersion(parts.keys(), stored, found, lost)
      if (!next) return lost ? 'resealed' : 'upToDate'
      if (dryRun) return 'resealed'
      const written = await write(requests, stored, next)
      if (written === 'stored') return 'resealed'
      if (written !== 'beaten') lost = written
    }
    await delay(Math.random() * 20 * Math.min(round, 10))
  }
  throw new CredentialVaultError(
    'unavailable',
    `Other writers keep changing ${parts.inner.locate(stored.key)}. Run the command again later: it does what is left.`,
    { reason: 'contended', retryable: true },
  )
}

/** Returns undefined if the record is under the first key already. Our own unanswered version is written again, to restore its labels. */
function nextVersion(
  [newest]: EnvelopeKeys,
  stored: StoredCredential,
  found: Found,
  lost: Lost | undefined,
): NextVersion | undefined {
  const own = lost?.text === found.text ? lost : undefined
  if (found.keyId === newest.id && !own) return undefined
  const operationId = randomUUID()
  const text = sealedText(found.values, stored.key, operationId, newest)
  return { found, text, kept: own?.kept ?? keptOf(stored, found.status), operationId }
}

/** Returns an outcome if there is nothing to rewrite, or undefined if the record changes meanwhile. */
async function look(
  { inner, keys, acceptPlain }: ResealingParts,
  { key }: StoredCredential,
  { ask }: Requests,
): Promise<Found | Outcome | undefined> {
  const status = await ask((call) => inner.stat(key, call))
  if (status.status !== 'active') return 'emptied'
  let read: CredentialLookup
  try {
    read = await ask((call) => inner.read(key, call))
  } catch (error) {
    if (isCredentialVaultError(error, 'credential_malformed')) return 'damaged'
    throw error
  }
  if (read.status !== 'active' || read.version.ref !== status.version.ref) return undefined
  const opened = openSealed(read.values, key, keys())
  const text = read.values[SEALED_FIELD]
  if ('values' in opened) return { status, text, keyId: opened.keyId, values: opened.values }
  if (opened.fault === 'unknown_seal_key') return 'unknownKey'
  if (opened.fault !== 'not_sealed') return 'damaged'
  if (!acceptPlain) return 'notSealed'
  // Sealing would lose fields that are not text.
  return isText(read.values) ? { status, text, keyId: undefined, values: read.values } : 'damaged'
}

function isText(values: Readonly<Record<string, unknown>>): values is CredentialValues {
  return Object.values(values).every((value) => typeof value === 'string')
}

/** The audit line belongs to the listed version. A version that was saved since has another one, which is not known here. */
function keptOf({ status: listedStatus, audit }: StoredCredential, status: Active): Kept {
  const isListed = listedStatus.status === 'active' && listedStatus.version.ref === status.version.ref
  return { labels: status.labels ?? {}, audit: isListed ? audit : undefined }
}

interface NextVersion {
  readonly found: Found
  readonly text: string
  readonly kept: Kept
  readonly operationId: string
}

/** Resolves to `beaten` when another writer was first. */
async function write(
  { inner, ask }: Requests,
  { key }: StoredCredential,
  { found, text, kept, operationId }: NextVersion,
): Promise<'stored' | 'beaten' | Lost> {
  const replaced = found.status.version.ref
  let { rejectedAt, ...labels } = kept.labels
  let seen = found.status.labels?.rejectedAt
  // Takes over a change since the record was read: its owner undoes a rejection, or its service rejects it.
  const noteBase = (base: CredentialStatus) => {
    if (base.status !== 'active' || base.version.ref !== replaced) return
    const now = base.labels?.rejectedAt
    if (now?.getTime() !== seen?.getTime()) rejectedAt = now
    seen = now
  }
  const intent = {
    expect: { version: replaced },
    audit: kept.audit,
    operationId,
    labels,
    fields: Object.keys(found.values),
  }
  let version: StoredVersion
  try {
    version = await ask((call) => inner.write(key, { [SEALED_FIELD]: text }, intent, { ...call, noteBase }))
  } catch (error) {
    if (isCredentialVaultError(error, 'conflict')) return 'beaten'
    // A write that was cut off may be stored, and its labels may not.
    const isLost = isCredentialVaultError(error) && (error.code === 'outcome_unknown' || error.reason === 'timeout')
    if (isLost) return { text, kept: { ...kept, labels: { ...labels, rejectedAt } } }
    throw error
  }
  const at = rejectedAt
  if (at) await ask(async (call) => inner.markRejected?.(key, version, at, call))
  return 'stored'
}

interface Requests {
  readonly inner: SecretBackend
  /** Runs one request with a deadline and retries. */
  ask<T>(request: (call: BackendCall) => Promise<T>): Promise<T>
}

function requestsOf(inner: SecretBackend, stop: AbortSignal): Requests {
  const correlationId = newCorrelationId()
  return {
    inner,
    ask: (request) => {
      const deadline = performance.now() + REQUEST_DEADLINE
      return withDeadline(inner.name, REQUEST_DEADLINE, (signal) => {
        const both = AbortSignal.any([signal, stop])
        return withRetries(deadline, both, () => request({ signal: both, correlationId }))
      })
    },
  }
}
