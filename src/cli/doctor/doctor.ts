import { refuseLogOfOtherTier } from '../../audit/segments/foreign-chains.ts'
import { createKeyUses } from '../../core/crypto/key-uses.ts'
import { sodiumReady } from '../../core/crypto/sodium.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { printable } from '../../core/model/printable.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'
import { createStores, type Stores } from '../../vault/environment/create-stores.ts'
import { auditFolderOf, refuseSharedLog } from '../../vault/environment/folders.ts'
import { providersOf } from '../operator/load-tools.ts'
import { openAudit } from '../operator/open-audit.ts'
import { operator } from '../operator/operator-access.ts'
import { warnOfUnknownVariables } from '../operator/unknown-variables.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { counted } from '../terminal/table.ts'
import { checkAcceptedKeys } from './accepted-keys.ts'
import { type CheckResult, skipped, type Tried, tried, verdict } from './check-result.ts'
import { type BackendChecks, checkBackend } from './doctor-checks.ts'
import { storeNotYetMade } from './first-start-checks.ts'
import { checkOtherServers } from './other-servers.ts'
import { checkHasWebKey, checkKeysOfReplicas } from './replica-keys.ts'
import { serverChecks } from './server-checks.ts'
import { checkSharedStores } from './shared-store-checks.ts'

export const doctor: Command = {
  name: 'doctor',
  summary: 'test the store, logins and policies with a test record',
  parameters: [],
  options: { provider: { type: 'string' }, tools: { type: 'string' }, tier: { type: 'string' } },
  help: `
Usage: mcp-credential-vault doctor [--provider NAME] [--tools MODULE] [--tier form|tool] [--json]

Logs in to the store that the environment names, and tries with each of its logins to save, read and revoke a probe record, which it
removes again. With separate logins for the form and the tools it also tries that neither can do what the other is for. --provider puts
the probe below that provider's name, for policies that cover one provider; default doctor. It also opens one credential of the store, which
a wrong or missing key does not, unless the login may not list. With Redis, it also tries a request and a sign-out there, and refuses a Redis
that may drop them. It asks the identity provider of the server's settings for its metadata and keys, as "start" does.
--tools runs a module for "start", serves nothing, and also compares the rights of each login below the name of every provider and account
that it declares. The form's login must not read there. Nothing is stored below these names.
--tier is for the environment of "start --tier form" or "start --tier tool": the other tier's login or bundle, or the store key, must not be
in it, what this tier must not do must be refused by the store itself, and the tiers must share a pending store.
Prints what it found, never a value, "note" for what the first "start" will make, and "skipped" for what it did not look at. Ends with 1
when something is wrong.
`,
  async run(input, terminal) {
    const tier = tierFrom(input.text('tier'))
    await sodiumReady()
    warnOfUnknownVariables(terminal)
    const stores = createStores(terminal.environment, { create: false, stdout: process.stderr, tier })
    const { backend, audit, pendingStore, browserSessions, changeFeed } = stores
    const module = input.text('tools')
    const providers = module === undefined ? [] : [...(await providersOf(module)).keys()]
    try {
      if (tier !== undefined) refuseSharedLog(backend, terminal.environment, tier)
      const notYetMade = await storeNotYetMade(backend, terminal)
      const results = onceEach([
        ...(notYetMade ?? (await storeChecks(stores, terminal, { provider: input.text('provider'), providers, tier }))),
        ...(await checkSharedStores(pendingStore, browserSessions, tier)),
        ...(notYetMade ? [] : await webKeyChecks(stores, terminal, tier)),
        ...(await serverChecks(terminal)),
        ...(tier === undefined && !notYetMade ? await checkOtherServers(stores, terminal) : []),
      ])
      const ok = results.every(({ result }) => result !== 'wrong')
      terminal.out(input.flag('json') ? `${JSON.stringify({ ok, checks: results })}\n` : table(results))
      return ok ? 0 : 1
    } finally {
      await Promise.allSettled([
        backend.close(),
        pendingStore.shutdown(),
        browserSessions.close?.(),
        changeFeed?.close(),
      ])
      await audit.close()
    }
  },
}

/** Checks the store, the audit log and the keys of both. */
async function storeChecks(
  stores: Stores,
  terminal: Terminal,
  { provider, providers, tier }: Pick<BackendChecks, 'provider' | 'providers' | 'tier'>,
): Promise<readonly CheckResult[]> {
  const { backend, audit } = stores
  const correlationId = newCorrelationId()
  const keyConfigured = createKeyUses()
  const stored = await checkBackend(backend, { provider, providers, tier, correlationId, keyConfigured })
  const logged = await tried(async () => {
    if (tier !== undefined) await refuseOtherLog(terminal.environment, tier)
    await openAudit(stores, terminal.environment, keyConfigured)
    const line = { type: 'admin.checked', outcome: 'success', actor: operator(), backend: backend.name } as const
    await audit.append({ ...line, correlationId })
  })
  const isOwnLog = logged.ok || logged.reason !== 'other_tiers_log'
  return [
    ...stored,
    {
      check: 'the audit log can be written',
      result: verdict(logged.ok),
      detail: logged.ok ? 'a line was written' : await logProblem(logged, stores, terminal),
    },
    ...(await checkAcceptedKeys(terminal, await derivedWebKey(backend), keyConfigured, { isOwnLog })),
  ]
}

/** `doctor` writes no tier itself: with a mistyped folder, it would claim that for its tier for ever. */
async function refuseOtherLog(environment: NodeJS.ProcessEnv, tier: BundleTier): Promise<void> {
  await refuseLogOfOtherTier(auditFolderOf(environment), tier).catch((error: unknown) => {
    // Opening the log tells what else is wrong with its folder.
    if (isCredentialVaultError(error)) throw error
  })
}

async function webKeyChecks(
  { backend, pendingStore }: Stores,
  terminal: Terminal,
  tier: BundleTier | undefined,
): Promise<readonly CheckResult[]> {
  const missing = await checkHasWebKey(terminal, { backend, pendingStore, tier })
  if (missing.length > 0) return missing
  return checkKeysOfReplicas(terminal, await derivedWebKey(backend), pendingStore)
}

/** What is wrong with the log, with its folder, which what users may see does not name. */
async function logProblem(
  { code, problem }: Extract<Tried<unknown>, { ok: false }>,
  { audit }: Pick<Stores, 'audit'>,
  { environment }: Terminal,
): Promise<string> {
  if (code !== 'audit_unavailable') return problem
  const found = await tried(async () => audit.check?.())
  return found.ok ? `${problem} The log's folder is ${auditFolderOf(environment)}` : found.problem
}

/** A missing key breaks several checks. The first one says so, and the others refer to it. */
function onceEach(results: readonly CheckResult[]): readonly CheckResult[] {
  const first = new Map<string, string>()
  return results.map((one) => {
    if (one.result !== 'wrong') return one
    const other = first.get(one.detail)
    if (other !== undefined) return skipped(one.check, `for the same reason as "${other}"`)
    first.set(one.detail, one.check)
    return one
  })
}

function tierFrom(text: string | undefined): BundleTier | undefined {
  if (text === undefined || text === 'form' || text === 'tool') return text
  throw new UsageError('--tier is form or tool')
}

/** Returns undefined for a backend that derives no key, and for one that the audit log's check could not open. */
async function derivedWebKey(backend: SecretBackend): Promise<Uint8Array | undefined> {
  try {
    return backend.deriveKey?.('web')
  } catch (error) {
    if (isCredentialVaultError(error)) return undefined
    throw error
  }
}

const WORDS = { ok: 'ok', wrong: 'WRONG', warning: 'WARNING', note: 'note', skipped: 'skipped' } as const

function table(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map(({ check }) => check.length))
  // A detail may repeat what others wrote, which must not look like a line of its own.
  const lines = results.map(
    ({ check, result, detail }) =>
      `${WORDS[result].padEnd(7)}  ${check.padEnd(width)}  ${printable(detail.replace(/\s+/g, ' '))}\n`,
  )
  const count = (kind: CheckResult['result']) => results.filter(({ result }) => result === kind).length
  const well = count('note') === 0 ? 'All is well.' : 'Nothing is wrong so far. Run doctor again after the first start.'
  const end = count('wrong') === 0 ? well : `${count('wrong')} of ${results.length} checks failed.`
  const others = [
    ...(count('warning') === 0 ? [] : [`${counted(count('warning'), 'warning')}.`]),
    ...(count('skipped') === 0 ? [] : [`${count('skipped')} skipped.`]),
  ]
  return `${lines.join('')}${[end, ...others].join(' ')}\n`
}
