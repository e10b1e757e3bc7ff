import { checkServerBaseUrl } from '../../core/network/server-base-url.ts'
import type { OtherServer, SecretBackend } from '../../core/ports/secret-backend.ts'
import type { Stores } from '../../vault/environment/create-stores.ts'
import { ONE_OR_SHARED } from '../../vault/second-server.ts'
import type { Terminal } from '../terminal/command.ts'
import { type CheckResult, skipped, tried } from './check-result.ts'

/** Looks for several servers at this environment's address that do not know each other's links and sessions. */
export async function checkOtherServers(
  { backend, pendingStore }: Pick<Stores, 'backend' | 'pendingStore'>,
  { environment }: Pick<Terminal, 'environment'>,
): Promise<readonly CheckResult[]> {
  const address = environment['MCP_SERVER_BASE_URL']
  // Without an address, the check of the server's settings says that there is nothing to check.
  if (!address || pendingStore.shared || backend.name === 'memory') return []
  const check = 'one server at this address'
  if (!backend.announcedServers) {
    const detail = `${backend.name} does not show how many servers use it, and requests and sessions are in each one's memory. ${ONE_OR_SHARED}`
    return [{ check, result: 'warning', detail }]
  }
  const found = await tried(() => serversAt(backend, address))
  if (!found.ok) return [skipped(check, 'the store cannot be opened, or the address is wrong')]
  const starts = found.value.map(({ startedAt }) => startedAt?.toISOString() ?? 'an unknown time').join(', ')
  if (found.value.length <= 1)
    return [{ check, result: 'ok', detail: starts ? `running since ${starts}` : 'none runs' }]
  const detail = `${found.value.length} run, since ${starts}, each with requests and sessions in its own memory. ${ONE_OR_SHARED}`
  return [{ check, result: 'wrong', detail }]
}

async function serversAt(backend: SecretBackend, address: string): Promise<readonly OtherServer[]> {
  await backend.open()
  return (await backend.announcedServers?.(checkServerBaseUrl(address, 'MCP_SERVER_BASE_URL').href)) ?? []
}
