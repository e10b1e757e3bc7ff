import type { IssuerReason } from '../../core/model/error-reason.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { checkServerBaseUrl } from '../../core/network/server-base-url.ts'
import type { Identity } from '../../core/ports/identity.ts'
import {
  errorOfEnvironment,
  vaultOptionsFromEnvironment,
} from '../../vault/environment/vault-options-from-environment.ts'
import { openIdentity } from '../../vault/parts/open-identity.ts'
import type { OpenVaultOptions } from '../../vault/parts/open-vault-options.ts'
import type { Terminal } from '../terminal/command.ts'
import { type CheckResult, skipped, tried } from './check-result.ts'

const FITS = "the server's settings fit together"
const PROVIDER = 'the identity provider fits its settings'
const KEYS = 'the identity provider answers and serves its keys'

/** Failures of the way to the identity provider. */
const ON_THE_WAY: ReadonlySet<string> = new Set(
  (['connection', 'dns', 'plain_http', 'timeout', 'tls'] as const).map((failure): IssuerReason => `issuer_${failure}`),
)

/** Checks the server's own settings, if this environment has them, and asks the identity provider that they name. */
export async function serverChecks({ environment }: Pick<Terminal, 'environment'>): Promise<readonly CheckResult[]> {
  if (!environment['MCP_SERVER_BASE_URL']) return [skipped(FITS, 'MCP_SERVER_BASE_URL is not set here')]
  const options = await tried(async () => vaultOptionsFromEnvironment(environment))
  if (!options.ok) return [{ check: FITS, result: 'wrong', detail: options.problem }]
  const { serverBaseUrl } = options.value
  return [
    { check: FITS, result: 'ok', detail: String(serverBaseUrl) },
    ...(await checkIdentity(options.value, environment)),
  ]
}

/**
 * Opens the identity as `start` does, and reads the keys. Each request of it ends after five seconds. An outage is reported by `KEYS`, a
 * wrong setting by `PROVIDER`.
 */
async function checkIdentity(
  { identity: given, serverBaseUrl }: OpenVaultOptions,
  environment: NodeJS.ProcessEnv,
): Promise<readonly CheckResult[]> {
  const warnings: string[] = []
  const opened = await tried(async () => {
    const url = checkServerBaseUrl(serverBaseUrl, 'environment.MCP_SERVER_BASE_URL')
    const parts = { serverBaseUrl: url, caller: 'openVault', warn: (message: string) => void warnings.push(message) }
    return openIdentity(given, parts).catch((error: unknown) => {
      throw errorOfEnvironment(environment, error)
    })
  })
  if (!opened.ok) return [{ check: PROVIDER, result: 'wrong', detail: opened.problem }]
  const { issuers = [] } = opened.value
  // The local mode has no provider.
  if (!opened.value.check) return []
  const keys = await answered(opened.value)
  if (keys.result === 'wrong') return [skipped(PROVIDER, 'not all of it could be asked'), keys]
  const fits = warnings.map((detail) => ({ check: PROVIDER, result: 'warning' as const, detail }))
  return [...(fits.length > 0 ? fits : [{ check: PROVIDER, result: 'ok' as const, detail: issuers.join(', ') }]), keys]
}

async function answered({ check }: Pick<Identity, 'check'>): Promise<CheckResult> {
  try {
    await check?.()
    return { check: KEYS, result: 'ok', detail: 'asked' }
  } catch (error) {
    if (!isCredentialVaultError(error))
      return { check: KEYS, result: 'wrong', detail: 'It failed in an unexpected way.' }
    const { message, code, reason = code } = error
    const advice = ON_THE_WAY.has(reason)
      ? 'Check that this machine can reach it, and the host in MCP_OIDC_ISSUER for a typo'
      : 'The settings here may be right: look at the identity provider'
    return { check: KEYS, result: 'wrong', detail: `${message} ${advice} [${code}, ${reason}]` }
  }
}
