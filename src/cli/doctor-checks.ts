import { randomUUID } from 'node:crypto'
import { isVaultError } from '../core/errors.ts'
import type { BackendCall, BackendPrincipal, SecretBackend, Tier } from '../core/secret-backend.ts'
import { type StorageKey, storageKey } from '../core/storage-key.ts'

export interface CheckResult {
  readonly check: string
  readonly ok: boolean
  /** What was seen, or what to do. */
  readonly detail: string
}

const TIER_NAMES: Readonly<Record<Tier, string>> = {
  form: "the form's login",
  tool: "the tools' login",
  both: 'the login',
}
const DEADLINE = 20_000

/**
 * Tries what the backend's logins can do, on a probe record below `provider` that is removed again. Whoever saves must save, whoever
 * reads must read, and where there are two logins neither may do what the other is for.
 *
 * @param correlationId of every request, so that the backend's own log shows whose probes they are
 */
export async function checkBackend(
  backend: SecretBackend,
  provider: string,
  correlationId: string,
): Promise<readonly CheckResult[]> {
  const principals = backend.principals?.() ?? [{ tier: 'both' as const, backend }]
  const results: CheckResult[] = []
  const usable: BackendPrincipal[] = []
  for (const principal of principals) {
    const opening = await tried(() => principal.backend.open())
    results.push({
      check: `${TIER_NAMES[principal.tier]} opens the store`,
      ok: opening.ok,
      detail: opening.ok ? backend.name : opening.problem,
    })
    if (opening.ok) usable.push(principal)
  }
  try {
    const writer = usable.find(({ tier }) => tier !== 'tool')
    const reader = usable.find(({ tier }) => tier !== 'form')
    // A store that keeps a mark of each purged record is given the same one each time.
    const subject = backend.principals ? `doctor-${randomUUID()}` : 'doctor'
    const key = storageKey(provider, { issuer: 'urn:mcp-credential-vault:doctor', subject })
    results.push(...(await checkProbe(key, writer, reader, correlationId)))
    for (const principal of usable) results.push(...(await checkRights(key, principal, correlationId)))
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
  const add = (check: string, ok: boolean, detail: string) => void results.push({ check, ok, detail })
  const probe = { probe: randomUUID() }
  let stored = false

  if (writer) {
    const saved = await tried(() => writer.backend.write(key, probe, intent(), call(correlationId)))
    stored = saved.ok
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
      read.ok ? (right ? 'the probe record' : 'it found another value') : read.problem,
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
      if (stored) {
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

/** A form's login may revoke and not purge, so the mark of a revoked probe may stay. */
async function removed(
  key: StorageKey,
  writer: BackendPrincipal,
  reader: BackendPrincipal | undefined,
  correlationId: string,
): Promise<CheckResult> {
  const check = `${TIER_NAMES[writer.tier]} revokes`
  const purged = await tried(() =>
    writer.backend.revoke(key, { ...intent(), purge: writer.tier === 'both' }, call(correlationId)),
  )
  if (!purged.ok)
    return { check, ok: false, detail: `${purged.problem} The probe ${writer.backend.locate(key)} is still there.` }
  const left = await tried(() => (reader ?? writer).backend.stat(key, call(correlationId)))
  const gone = left.ok && left.value.status !== 'active'
  const mark = left.ok && left.value.status === 'revoked' ? `; its mark stays at ${writer.backend.locate(key)}` : ''
  return { check, ok: gone, detail: gone ? `the probe record${mark}` : 'the probe is still there' }
}

async function checkRights(
  key: StorageKey,
  { tier, backend }: BackendPrincipal,
  correlationId: string,
): Promise<readonly CheckResult[]> {
  if (!backend.rights || tier === 'both') return []
  const report = await tried(
    async () => backend.rights?.(key, tier, call(correlationId)) ?? { missing: [], excess: [] },
  )
  const check = `${TIER_NAMES[tier]} has the rights of its policy and no other`
  if (!report.ok) return [{ check, ok: false, detail: report.problem }]
  const { missing, excess } = report.value
  const detail = [...missing.map((right) => `missing: ${right}`), ...excess.map((right) => `too much: ${right}`)].join(
    '; ',
  )
  return [{ check, ok: detail === '', detail: detail || 'compared' }]
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
