import { fileURLToPath } from 'node:url'
import type { ProxyConfig } from 'mcp-credential-vault/proxy'
import { freePort } from '../../test/harness/free-port.ts'
import { browserClient, startIdentityProvider } from '../../test/harness/identity/identity-provider.ts'
import { type OpenedBenchSession, openBenchSession } from '../mcp-session.ts'
import { type InspectedProcess, startInspected } from './inspected-process.ts'
import type { ProxyProcessOptions } from './proxy-process.ts'

const USERS = 16

/** The proxy in a process of its own, whose users have all connected. */
export interface MeasuredProxy {
  readonly process: InspectedProcess
  /** Opens sessions at an upstream, by the users in turn. */
  open(upstream: string, count: number): Promise<readonly OpenedBenchSession[]>
  /** How often this process has synced to the disk. */
  syncs(): Promise<number>
  close(): Promise<void>
}

export async function startMeasuredProxy(upstreams: ProxyConfig['upstreams']): Promise<MeasuredProxy> {
  const port = await freePort()
  const baseUrl = `http://localhost:${port}`
  const users = Array.from({ length: USERS }, (_, index) => `user-${String(index).padStart(2, '0')}`)
  const identityProvider = await startIdentityProvider({
    resource: baseUrl,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
    users: users.map((account) => ({ account, name: account })),
  })
  const options: ProxyProcessOptions = { port, issuer: identityProvider.issuer, users, upstreams }
  const process = await startInspected({
    parameters: ['--import', 'tsx', fileURLToPath(new URL('./proxy-process.ts', import.meta.url))],
    environment: { BENCH_PROXY: JSON.stringify(options) },
    ready: 'ready',
  })
  const tokens = await Promise.all(
    users.map((user) => identityProvider.issueAccessToken(user, { expiresIn: 7200, audience: `${baseUrl}/mcp` })),
  )
  return {
    process,
    async open(upstream, count) {
      const sessions: OpenedBenchSession[] = []
      for (let at = 0; at < count; at += 1)
        sessions.push(await openBenchSession(`${baseUrl}/${upstream}/mcp`, tokens[at % USERS] ?? ''))
      return sessions
    },
    syncs: async () => Number(await process.evaluate('fdatasyncs')),
    async close() {
      await process.close()
      await identityProvider.close()
    },
  }
}
