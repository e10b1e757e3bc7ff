import { findAcceptedKeys } from '../../core/crypto/accepted-keys.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import type { PendingStore } from '../../core/ports/pending-store.ts'
import { hasUnknownKey } from '../../vault/parts/web-key-watch.ts'
import type { Terminal } from '../terminal/command.ts'
import { type CheckResult, skipped, tried } from './check-result.ts'

const CHECK = 'replicas use the same web key'

/** Compares the web keys that running replicas use with those of this environment. It notes none of its own. */
export async function checkKeysOfReplicas(
  { environment }: Pick<Terminal, 'environment'>,
  derived: Uint8Array | undefined,
  pendingStore: PendingStore,
): Promise<readonly CheckResult[]> {
  if (!pendingStore.webKeyIds) return []
  const asked = await tried(async () => pendingStore.webKeyIds?.())
  if (!asked.ok) return [skipped(CHECK, 'the store that replicas share cannot be used')]
  const ids = asked.value ?? []
  const found = await tried(async () => keysOf(environment, derived))
  const keys = found.ok ? found.value : []
  if (keys.length === 0) return [skipped(CHECK, 'this environment has no web key')]
  if (ids.length === 0) return [skipped(CHECK, 'no server has used the store in the last three minutes')]
  if (!hasUnknownKey(ids, keys)) return [{ check: CHECK, result: 'ok', detail: ids.join(', ') }]
  const detail = `servers use the keys ${ids.join(', ')}, and this environment does not have each of them: set the same MCP_WEB_KEY_FILE for all replicas, and list the other one in MCP_WEB_KEY_ACCEPTED_FILE while you change the key`
  return [{ check: CHECK, result: 'wrong', detail }]
}

/** What is wrong with a key is reported by the check of accepted keys. */
function keysOf(environment: NodeJS.ProcessEnv, derived: Uint8Array | undefined): readonly Uint8Array[] {
  const quiet = { warn: () => undefined, onFound: () => undefined }
  const current = findKey({ name: 'MCP_WEB_KEY', ...quiet }, environment)?.key ?? derived
  if (!current) return []
  const option = 'openVault.acceptedWebKeys'
  return [current, ...findAcceptedKeys({ name: 'MCP_WEB_KEY', option, current, derived, ...quiet }, environment)]
}
