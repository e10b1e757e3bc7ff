import { randomUUID } from 'node:crypto'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import { checkNotSealed } from '../../core/model/stored-values.ts'
import type { BackendPrincipal, OpeningEvents, SecretBackend } from '../../core/ports/secret-backend.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'
import { type CheckResult, call, skipped, TIER_NAMES, tried, verdict } from './check-result.ts'
import { DOCTOR_ISSUER } from './leftover.ts'
import { checkCannotRead, checkProbe } from './probe-checks.ts'

const PROBES = 'doctor'

export interface BackendChecks {
  /** Default `doctor`. */
  readonly provider?: string | undefined
  /** Further names below which each login's rights are compared, and the form's login must not read. Nothing is stored there. */
  readonly providers?: readonly string[] | undefined
  /** The one tier that this environment is for. */
  readonly tier?: BundleTier | undefined
  /** Of every request, so that the backend's own log shows who made the probes. */
  readonly correlationId: string
  /** Refuses a key that is configured for two uses. */
  readonly keyConfigured?: OpeningEvents['keyConfigured']
}

/**
 * Tests the rights of the backend's logins with a probe record below `provider`, and removes the record. The form's login must save, the tools'
 * login must read, and neither may do the other's task; a single login must do both.
 */
export async function checkBackend(
  backend: SecretBackend,
  { provider, providers = [], tier: only, correlationId, keyConfigured }: BackendChecks,
): Promise<readonly CheckResult[]> {
  const principals = backend.principals?.() ?? [{ tier: 'both' as const, backend }]
  const results: CheckResult[] = []
  const usable: BackendPrincipal[] = []
  for (const principal of principals) {
    const opening = await tried(() => principal.backend.open(keyConfigured && { keyConfigured }))
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
    // The same record each time, for stores that keep a mark of each purged record.
    const subject = backend.principals ? `doctor-${randomUUID()}` : 'doctor'
    const keyBelow = (name: string) => storageKey(name, { issuer: DOCTOR_ISSUER, subject })
    results.push(...(await checkProbe({ key: keyBelow(provider ?? PROBES), correlationId }, writer, reader)))
    if (reader) results.push(await checkStored(reader, correlationId), ...(await checkNewestKey(reader)))
    // The form's policy allows a purge below the probes' own name, so rights are checked below another name.
    const elsewhere = keyBelow(provider ?? 'any-provider')
    for (const principal of usable) {
      results.push(...(await checkRights(elsewhere, principal, correlationId)))
      for (const name of providers) results.push(...(await checkProvider(keyBelow(name), principal, correlationId)))
    }
    results.push(...missingLogins(principals, usable, only))
  } finally {
    await Promise.all(usable.map((principal) => principal.backend.close()))
  }
  return results
}

/**
 * Opens one credential that is stored already, because a probe says nothing about the keys that the others are sealed with. Its values are
 * dropped, and whose they are is not said.
 */
async function checkStored({ tier, backend }: BackendPrincipal, correlationId: string): Promise<CheckResult> {
  const check = `${TIER_NAMES[tier]} opens a stored credential`
  const stored = await tried(() => firstActive(backend, correlationId))
  if (!stored.ok) return skipped(check, `it may not list them, or the list broke off [${stored.code}]`)
  const key = stored.value
  if (!key) return skipped(check, 'none is stored')
  const read = await tried(async () => {
    const found = await backend.read(key, call(correlationId))
    if (found.status === 'active') checkNotSealed(found.values)
  })
  return { check, result: verdict(read.ok), detail: read.ok ? 'one of those in the list' : read.problem }
}

/** A tier that only reads works without the newest key until something is saved with it. One that saves is tried with a probe. */
async function checkNewestKey({ tier, backend }: BackendPrincipal): Promise<readonly CheckResult[]> {
  if (tier !== 'tool' || !backend.checkKeys) return []
  const current = await tried(async () => backend.checkKeys?.())
  const result = current.ok ? 'ok' : 'warning'
  return [
    { check: `${TIER_NAMES[tier]} has the newest key`, result, detail: current.ok ? 'compared' : current.problem },
  ]
}

async function firstActive(backend: SecretBackend, correlationId: string): Promise<StorageKey | undefined> {
  for await (const { key, status } of backend.list(call(correlationId)))
    if (status.status === 'active' && key.owner.issuer !== DOCTOR_ISSUER) return key
  return undefined
}

/** Makes results for logins that this environment lacks and for logins that could not open the store. */
function missingLogins(
  all: readonly BackendPrincipal[],
  usable: readonly BackendPrincipal[],
  only: BundleTier | undefined,
): readonly CheckResult[] {
  if (all.some(({ tier }) => tier === 'both'))
    return usable.length > 0
      ? []
      : [skipped(`${TIER_NAMES.both} saves, reads and revokes`, 'it did not open the store')]
  return (['form', 'tool'] as const)
    .filter((tier) => !usable.some((principal) => principal.tier === tier))
    .map((tier) => {
      const isHere = all.some((principal) => principal.tier === tier)
      // createStores has refused an environment with the other tier's login.
      if (only !== undefined && only !== tier && !isHere)
        return { check: `${TIER_NAMES[tier]} is not in this environment`, result: 'ok', detail: 'as it must be' }
      const why = isHere ? 'it did not open the store' : 'it is not in this environment'
      return skipped(`${TIER_NAMES[tier]} has the rights of its policy`, why)
    })
}

/** What a policy grants may differ by provider. The store itself says whether the form's login may read. */
async function checkProvider(
  key: StorageKey,
  principal: BackendPrincipal,
  correlationId: string,
): Promise<readonly CheckResult[]> {
  const below = ({ check, ...result }: CheckResult) => ({ ...result, check: `${check}, below ${key.provider}` })
  const reading = principal.tier === 'form' ? [await checkCannotRead(key, principal.backend, correlationId)] : []
  return [...reading, ...(await checkRights(key, principal, correlationId))].map(below)
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
