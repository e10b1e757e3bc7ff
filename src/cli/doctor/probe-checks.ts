import { randomUUID } from 'node:crypto'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { BackendPrincipal, SecretBackend } from '../../core/ports/secret-backend.ts'
import { type CheckResult, call, intent, refused, skipped, TIER_NAMES, tried, verdict } from './check-result.ts'
import { leftoverOf } from './leftover.ts'

export interface Probe {
  readonly key: StorageKey
  /** Used for every request, so that the backend's own log shows who made the probes. */
  readonly correlationId: string
}

/** Saves, reads and removes a probe record, and tries the operations that each login must not be allowed. */
export async function checkProbe(
  probe: Probe,
  writer: BackendPrincipal | undefined,
  reader: BackendPrincipal | undefined,
): Promise<readonly CheckResult[]> {
  const value = randomUUID()
  const saving = writer ? await checkWriter(probe, writer, value) : { results: [], stored: false }
  const reading = reader
    ? await checkReader(probe, reader, saving.stored ? value : undefined)
    : { results: [], stored: false }
  const isLeft = (saving.stored || reading.stored) && writer
  const removing = isLeft ? [await removed(probe, writer, reader)] : []
  return [...saving.results, ...reading.results, ...removing]
}

/** `stored`: a probe record may exist now. */
interface ProbeResults {
  readonly results: readonly CheckResult[]
  readonly stored: boolean
}

async function checkWriter(
  { key, correlationId }: Probe,
  { tier, backend }: BackendPrincipal,
  value: string,
): Promise<ProbeResults> {
  const saved = await tried(() => backend.write(key, { probe: value }, intent(), call(correlationId)))
  // The request may have arrived.
  const stored = saved.ok || saved.code === 'outcome_unknown'
  const detail = saved.ok ? 'a probe record' : saved.problem
  const saves = { check: `${TIER_NAMES[tier]} saves`, result: verdict(saved.ok), detail }
  if (tier !== 'form' || !stored) return { results: [saves], stored }
  return { results: [saves, await checkCannotRead(key, backend, correlationId)], stored }
}

/** Where nothing is stored, "absent" shows the right to read. */
export async function checkCannotRead(
  key: StorageKey,
  backend: SecretBackend,
  correlationId: string,
): Promise<CheckResult> {
  const read = await tried(() => backend.read(key, call(correlationId)))
  return forbiddenResult(`${TIER_NAMES.form} cannot read`, read, 'it may read: remove its right to read')
}

/** @param value content of the probe; undefined when none was saved */
async function checkReader(
  { key, correlationId }: Probe,
  { tier, backend }: BackendPrincipal,
  value: string | undefined,
): Promise<ProbeResults> {
  const read = await tried(() => backend.read(key, call(correlationId)))
  const found = read.ok && read.value.status === 'active' ? read.value.values['probe'] : undefined
  const right = read.ok && (value === undefined || found === value)
  const what = value === undefined ? 'where nothing is stored' : 'the probe record'
  const detail = read.ok ? (right ? what : 'it found another value') : read.problem
  const reads = { check: `${TIER_NAMES[tier]} reads`, result: verdict(right), detail }
  if (tier !== 'tool') return { results: [reads], stored: false }

  const overwrite = { probe: 'overwritten' }
  const written = await tried(() => backend.write(key, overwrite, intent(), call(correlationId)))
  const cannotSave = forbiddenResult(
    `${TIER_NAMES.tool} cannot save`,
    written,
    'it overwrote the probe: remove its right to write',
  )
  const check = `${TIER_NAMES.tool} cannot revoke`
  // Without a stored probe there is nothing to request.
  if (value === undefined)
    return { results: [reads, cannotSave, skipped(check, 'no probe record was saved')], stored: written.ok }
  const revoked = await tried(() => backend.revoke(key, { ...intent(), purge: true }, call(correlationId)))
  const cannotRevoke = forbiddenResult(check, revoked, 'it removed the probe: remove its right to delete')
  return { results: [reads, cannotSave, cannotRevoke], stored: written.ok }
}

function forbiddenResult(check: string, outcome: Parameters<typeof refused>[0], excess: string): CheckResult {
  if (refused(outcome)) return { check, result: 'ok', detail: 'refused' }
  return { check, result: 'wrong', detail: outcome.ok ? excess : outcome.problem }
}

/** A form's login may purge below `doctor` only. Below other providers it can only revoke, and the probe's mark stays. */
async function removed(
  { key, correlationId }: Probe,
  writer: BackendPrincipal,
  reader: BackendPrincipal | undefined,
): Promise<CheckResult> {
  const check = `${TIER_NAMES[writer.tier]} removes it`
  const remove = (purge: boolean) =>
    tried(() => writer.backend.revoke(key, { ...intent(), purge }, call(correlationId)))
  const purged = await remove(true)
  const done = purged.ok || purged.code !== 'forbidden' ? purged : await remove(false)
  if (!done.ok)
    return { check, result: 'wrong', detail: `${done.problem} The probe ${writer.backend.locate(key)} is still there.` }
  const left = await tried(() => (reader ?? writer).backend.stat(key, call(correlationId)))
  if (!left.ok || left.value.status === 'active') return { check, result: 'wrong', detail: 'the probe is still there' }
  return {
    check,
    result: 'ok',
    detail: left.value.status === 'absent' ? 'the probe record' : `its value; ${leftoverOf(key)}`,
  }
}
