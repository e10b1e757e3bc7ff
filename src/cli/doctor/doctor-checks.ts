import { randomUUID } from 'node:crypto'
import { isVaultError } from '../../core/model/errors.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import type { BackendCall, BackendPrincipal, SecretBackend, Tier } from '../../core/ports/secret-backend.ts'
import { DOCTOR_ISSUER, leftoverOf } from './leftover.ts'

export interface CheckResult {
  readonly check: string
  /** `skipped`: nothing was looked at, so nothing is known. */
  readonly result: 'ok' | 'wrong' | 'skipped'
  /** The finding and what to do about it, or why the check was skipped. */
  readonly detail: string
}

const TIER_NAMES: Readonly<Record<Tier, string>> = {
  form: "the form's login",
  tool: "the tools' login",
  both: 'the login',
}
const DEADLINE = 20_000
const PROBES = 'doctor'

/**
 * Tries what the backend's logins can do, on a probe record below `provider`, default `doctor`, that is removed again. The form's login
 * must save, the tools' must read, and neither may do what the other is for; a single login must do both.
 *
 * @param correlationId of every request, so that the backend's own log shows whose probes they are
 */
export async function checkBackend(
  backend: SecretBackend,
  provider: string | undefined,
  correlationId: string,
): Promise<readonly CheckResult[]> {
  const principals = backend.principals?.() ?? [{ tier: 'both' as const, backend }]
  const results: CheckResult[] = []
  const usable: BackendPrincipal[] = []
  for (const principal of principals) {
    const opening = await tried(() => principal.backend.open())
    results.push({
      check: `${TIER_NAMES[principal.tier]} opens the store`,
      result: verdict(opening.ok),
      detail: opening.ok ? backend.name : opening.problem,
    })
    if (opening.ok) usable.push(principal)
  }
  try {
    const writer = usable.find(({ tier }) => tier !== 'tool')
    const reader = usable.find(({ tier }) => tier !== 'form')
    // A store that keeps a mark of each purged record is given the same one each time.
    const subject = backend.principals ? `doctor-${randomUUID()}` : 'doctor'
    const keyBelow = (name: string) => storageKey(name, { issuer: DOCTOR_ISSUER, subject })
    results.push(...(await checkProbe(keyBelow(provider ?? PROBES), writer, reader, correlationId)))
    // The form's policy lets it purge below the probes' own name, so its rights are asked for below another.
    const elsewhere = keyBelow(provider ?? 'any-provider')
    for (const principal of usable) results.push(...(await checkRights(elsewhere, principal, correlationId)))
    results.push(...skippedLogins(principals, usable))
  } finally {
    await Promise.all(usable.map((principal) => principal.backend.close()))
  }
  return results
}

async function checkProbe(
  key: StorageKey,
  writer: BackendPrincipal | undefined,
  reader: BackendPrincipal | undefined,
  correlationId: string,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = []
  const add = (check: string, ok: boolean, detail: string) => void results.push({ check, result: verdict(ok), detail })
  const probe = { probe: randomUUID() }
  let stored = false

  if (writer) {
    const saved = await tried(() => writer.backend.write(key, probe, intent(), call(correlationId)))
    // The request may have arrived.
    stored = saved.ok || saved.code === 'outcome_unknown'
    add(`${TIER_NAMES[writer.tier]} saves`, saved.ok, saved.ok ? 'a probe record' : saved.problem)
    if (writer.tier === 'form' && stored) {
      const read = await tried(() => writer.backend.read(key, call(correlationId)))
      add(
        `${TIER_NAMES.form} cannot read`,
        refused(read),
        read.ok ? 'it read the probe: take its right to read away' : 'refused',
      )
    }
  }
  if (reader) {
    const read = await tried(() => reader.backend.read(key, call(correlationId)))
    const right = read.ok && (!stored || (read.value.status === 'active' && read.value.values['probe'] === probe.probe))
    add(
      `${TIER_NAMES[reader.tier]} reads`,
      right,
      read.ok
        ? right
          ? stored
            ? 'the probe record'
            : 'where nothing is stored'
          : 'it found another value'
        : read.problem,
    )
    if (reader.tier === 'tool') {
      const written = await tried(() =>
        reader.backend.write(key, { probe: 'overwritten' }, intent(), call(correlationId)),
      )
      add(
        `${TIER_NAMES.tool} cannot save`,
        refused(written),
        written.ok ? 'it overwrote the probe: take its right to write away' : 'refused',
      )
      // Where nothing is stored, nothing is asked of the store.
      if (!stored) results.push(skipped(`${TIER_NAMES.tool} cannot revoke`, 'no probe record was saved'))
      else {
        const revoked = await tried(() => reader.backend.revoke(key, { ...intent(), purge: true }, call(correlationId)))
        add(
          `${TIER_NAMES.tool} cannot revoke`,
          refused(revoked),
          revoked.ok ? 'it removed the probe: take its right to delete away' : 'refused',
        )
      }
      if (written.ok) stored = true
    }
  }
  if (stored && writer) results.push(await removed(key, writer, reader, correlationId))
  return results
}

/** A form's login may purge below `doctor` only. Elsewhere it can only revoke, and the mark of the revoked probe stays. */
async function removed(
  key: StorageKey,
  writer: BackendPrincipal,
  reader: BackendPrincipal | undefined,
  correlationId: string,
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

/** Results for the logins that this environment lacks, and for those that did not open the store. */
function skippedLogins(all: readonly BackendPrincipal[], usable: readonly BackendPrincipal[]): readonly CheckResult[] {
  if (all.some(({ tier }) => tier === 'both'))
    return usable.length > 0
      ? []
      : [skipped(`${TIER_NAMES.both} saves, reads and revokes`, 'it did not open the store')]
  return (['form', 'tool'] as const)
    .filter((tier) => !usable.some((principal) => principal.tier === tier))
    .map((tier) =>
      skipped(
        `${TIER_NAMES[tier]} may do what its policy says`,
        all.some((principal) => principal.tier === tier)
          ? 'it did not open the store'
          : 'it is not in this environment',
      ),
    )
}

async function checkRights(
  key: StorageKey,
  { tier, backend }: BackendPrincipal,
  correlationId: string,
): Promise<readonly CheckResult[]> {
  if (tier === 'both') return []
  const check = `${TIER_NAMES[tier]} has the rights of its policy and no other`
  const { rights } = backend
  if (!rights) return [skipped(check, `${backend.name} cannot be asked for them`)]
  const report = await tried(() => rights(key, tier, call(correlationId)))
  if (!report.ok) return [{ check, result: 'wrong', detail: report.problem }]
  const { missing, excess } = report.value
  const detail = [...missing.map((right) => `missing: ${right}`), ...excess.map((right) => `too much: ${right}`)].join(
    '; ',
  )
  return [{ check, result: verdict(detail === ''), detail: detail || 'compared' }]
}

function verdict(ok: boolean): CheckResult['result'] {
  return ok ? 'ok' : 'wrong'
}

export function skipped(check: string, why: string): CheckResult {
  return { check, result: 'skipped', detail: why }
}

type Tried<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly problem: string }

async function tried<T>(work: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return isVaultError(error)
      ? { ok: false, code: error.code, problem: `${error.message} [${error.code}]` }
      : { ok: false, code: 'unexpected', problem: 'It failed in an unexpected way.' }
  }
}

/** An outage is no proof that something is not allowed. */
function refused(outcome: Tried<unknown>): boolean {
  return !outcome.ok && outcome.code === 'forbidden'
}

function intent() {
  return { expect: 'any', audit: { writer: 'doctor', seq: 0 }, operationId: randomUUID() } as const
}

function call(correlationId: string): BackendCall {
  return { signal: AbortSignal.timeout(DEADLINE), correlationId }
}
