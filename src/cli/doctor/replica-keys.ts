import { findAcceptedKeys } from '../../core/crypto/accepted-keys.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import { keyId } from '../../core/crypto/key-text.ts'
import { timeOfDay } from '../../core/model/printable.ts'
import type { PendingStore, WebKeyInUse } from '../../core/ports/pending-store.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'
import { webKeyMissing } from '../../vault/parts/web-key.ts'
import { describedKey, isSilent, SAME_KEY, unknownKeys } from '../../vault/parts/web-key-watch.ts'
import type { Terminal } from '../terminal/command.ts'
import { type CheckResult, skipped, tried } from './check-result.ts'

const CHECK = 'replicas use the same web key'
/** What is wrong with a key is reported by the check of accepted keys. */
const QUIET = { warn: () => undefined, onFound: () => undefined }

export interface WebKeyCheckParts {
  readonly backend: Pick<SecretBackend, 'deriveKey'>
  readonly pendingStore: Pick<PendingStore, 'shared'>
  /** The one tier that this environment is for. */
  readonly tier: BundleTier | undefined
}

/** Finds that a server with this environment would not start because it has no web key. An operator's own environment needs none. */
export async function checkHasWebKey(
  { environment }: Pick<Terminal, 'environment'>,
  { backend, pendingStore, tier }: WebKeyCheckParts,
): Promise<readonly CheckResult[]> {
  const isServer = tier !== undefined || (Boolean(environment['MCP_SERVER_BASE_URL']) && pendingStore.shared)
  // A store that could not be opened may derive one all the same.
  if (!isServer || backend.deriveKey) return []
  const found = await tried(async () => findKey({ name: 'MCP_WEB_KEY', ...QUIET }, environment))
  if (!found.ok || found.value) return []
  return [{ check: CHECK, result: 'wrong', detail: webKeyMissing('environment.MCP_WEB_KEY_FILE').message }]
}

/** Compares the web keys that running replicas use with those of this environment. It adds none of its own. */
export async function checkKeysOfReplicas(
  { environment }: Pick<Terminal, 'environment'>,
  derived: Uint8Array | undefined,
  pendingStore: PendingStore,
): Promise<readonly CheckResult[]> {
  if (!pendingStore.webKeysInUse) return []
  const asked = await tried(async () => pendingStore.webKeysInUse?.())
  if (!asked.ok) return [skipped(CHECK, 'the store that replicas share cannot be used')]
  const inUse = asked.value ?? []
  const found = await tried(async () => keysOf(environment, derived))
  const keys = found.ok ? found.value : []
  if (keys.length === 0) return [skipped(CHECK, 'this environment has no web key')]
  if (inUse.length === 0) return [skipped(CHECK, 'no server has used the store in the last three minutes')]
  const unknown = unknownKeys(inUse, keys)
  if (unknown.length === 0) return [{ check: CHECK, result: 'ok', detail: inUse.map(describedKey).join(', ') }]
  return [differs(unknown, keys)]
}

/** A server that is killed cannot take back which key it uses. One that runs says so again each minute. */
function differs(unknown: readonly WebKeyInUse[], keys: readonly Uint8Array[]): CheckResult {
  const last = new Date(Math.max(...unknown.map(({ countsUntil }) => countsUntil.getTime())))
  const here = `This environment has ${keys.map(keyId).join(', ')}`
  const used = unknown.map(describedKey).join(', ')
  const detail = unknown.every(isSilent)
    ? `a server that used the web key ${used} is silent, so it has probably ended without notice. ${here}. Run doctor again after ${timeOfDay(last)}; if it runs after all: ${SAME_KEY}`
    : `a server uses the web key ${used}. ${here}. ${SAME_KEY} If you have killed that server, run doctor again after ${timeOfDay(last)}`
  return { check: CHECK, result: unknown.every(isSilent) ? 'warning' : 'wrong', detail }
}

function keysOf(environment: NodeJS.ProcessEnv, derived: Uint8Array | undefined): readonly Uint8Array[] {
  const current = findKey({ name: 'MCP_WEB_KEY', ...QUIET }, environment)?.key ?? derived
  if (!current) return []
  const option = 'openVault.acceptedWebKeys'
  return [current, ...findAcceptedKeys({ name: 'MCP_WEB_KEY', option, current, derived, ...QUIET }, environment)]
}
