import { createKeyUses } from '../../core/crypto/key-uses.ts'
import { sodiumReady } from '../../core/crypto/sodium.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'
import { refuseSharedLog } from '../../vault/environment/backend-of-tier.ts'
import { createStores } from '../../vault/environment/create-stores.ts'
import { vaultOptionsFromEnvironment } from '../../vault/environment/vault-options-from-environment.ts'
import { providersOf } from '../operator/load-tools.ts'
import { openAudit } from '../operator/open-audit.ts'
import { operator } from '../operator/operator-access.ts'
import { warnOfUnknownVariables } from '../operator/unknown-variables.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { counted } from '../terminal/table.ts'
import { checkAcceptedKeys } from './accepted-keys.ts'
import { type CheckResult, skipped } from './check-result.ts'
import { checkBackend } from './doctor-checks.ts'
import { checkOtherServers } from './other-servers.ts'
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
that may drop them.
--tools runs a module for "start", serves nothing, and also compares the rights of each login below the name of every provider and account
that it declares. The form's login must not read there. Nothing is stored below these names.
--tier is for the environment of "start --tier form" or "start --tier tool": the other tier's login or bundle, or the store key, must not be
in it, what this tier must not do must be refused by the store itself, and the tiers must share a pending store.
Prints what it found, never a value, and "skipped" for what it did not look at. Ends with 1 when something is wrong.
`,
  async run(input, terminal) {
    const tier = tierFrom(input.text('tier'))
    await sodiumReady()
    warnOfUnknownVariables(terminal)
    const stores = createStores(terminal.environment, { create: false, stdout: process.stderr, tier })
    const { backend, audit, pendingStore, browserSessions, changeFeed } = stores
    const module = input.text('tools')
    const providers = module === undefined ? [] : [...(await providersOf(module)).keys()]
    const correlationId = newCorrelationId()
    const keyConfigured = createKeyUses()
    try {
      if (tier !== undefined) refuseSharedLog(backend, terminal.environment, tier)
      const results = [
        ...(await checkBackend(backend, {
          provider: input.text('provider'),
          providers,
          tier,
          correlationId,
          keyConfigured,
        })),
        await checked('the audit log can be written', async () => {
          await openAudit(stores, terminal.environment, keyConfigured)
          await audit.append({
            type: 'admin.checked',
            outcome: 'success',
            actor: operator(),
            backend: backend.name,
            correlationId,
          })
          return 'a line was written'
        }),
        ...(await checkSharedStores(pendingStore, browserSessions, tier)),
        ...(await checkAcceptedKeys(terminal, await derivedWebKey(backend), keyConfigured)),
        serverSettings(terminal),
        ...(tier === undefined ? await checkOtherServers(stores, terminal) : []),
      ]
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

async function checked(check: string, work: () => Promise<string>): Promise<CheckResult> {
  try {
    return { check, result: 'ok', detail: await work() }
  } catch (error) {
    return {
      check,
      result: 'wrong',
      detail: isCredentialVaultError(error) ? `${error.message} [${error.code}]` : 'It failed.',
    }
  }
}

/** Checks the server's own settings, if this environment has them. */
function serverSettings({ environment }: Terminal): CheckResult {
  const check = "the server's settings fit together"
  if (!environment['MCP_SERVER_BASE_URL']) return skipped(check, 'MCP_SERVER_BASE_URL is not set here')
  try {
    const { serverBaseUrl } = vaultOptionsFromEnvironment(environment)
    return { check, result: 'ok', detail: String(serverBaseUrl) }
  } catch (error) {
    return {
      check,
      result: 'wrong',
      detail: isCredentialVaultError(error) ? `${error.message} [${error.code}]` : 'They do not.',
    }
  }
}

const WORDS = { ok: 'ok', wrong: 'WRONG', warning: 'WARNING', skipped: 'skipped' } as const

function table(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map(({ check }) => check.length))
  const lines = results.map(
    ({ check, result, detail }) => `${WORDS[result].padEnd(7)}  ${check.padEnd(width)}  ${detail}\n`,
  )
  const count = (kind: CheckResult['result']) => results.filter(({ result }) => result === kind).length
  const end = count('wrong') === 0 ? 'All is well.' : `${count('wrong')} of ${results.length} checks failed.`
  const others = [
    ...(count('warning') === 0 ? [] : [`${counted(count('warning'), 'warning')}.`]),
    ...(count('skipped') === 0 ? [] : [`${count('skipped')} skipped.`]),
  ]
  return `${lines.join('')}${[end, ...others].join(' ')}\n`
}
