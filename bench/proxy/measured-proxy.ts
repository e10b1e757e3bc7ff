import { fileURLToPath } from 'node:url'
import type { ProxyConfig } from 'mcp-credential-vault/proxy'
import { freePort } from '../../test/harness/free-port.ts'
import { browserClient, startIdentityProvider } from '../../test/harness/identity/identity-provider.ts'
import { type OpenedBenchSession, openBenchSession } from '../mcp-session.ts'
import { type InspectedProcess, startInspected } from './inspected-process.ts'
import type { ProxyProcessOptions } from './proxy-process.ts'

const USERS = 16
const UNCONNECTED = ['nobody-0', 'nobody-1', 'nobody-2', 'nobody-3']

/** The proxy in a process of its own, whose users have all connected. */
export interface MeasuredProxy {
  readonly process: InspectedProcess
  /** Opens sessions at an upstream, by the users in turn. */
  open(upstream: string, count: number): Promise<readonly OpenedBenchSession[]>
  /** Opens sessions of users who have no credential. */
  openUnconnected(upstream: string, count: number): Promise<readonly OpenedBenchSession[]>
  /** How often this process has synced to the disk. */
  syncs(): Promise<number>
  close(): Promise<void>
}

export async function startMeasuredProxy(
  upstreams: ProxyConfig['upstreams'],
  children: ProxyConfig['children'] = {},
): Promise<MeasuredProxy> {
  const port = await freePort()
  const baseUrl = `http://localhost:${port}`
  const users = Array.from({ length: USERS }, (_, index) => `user-${String(index).padStart(2, '0')}`)
  const identityProvider = await startIdentityProvider({
    resource: baseUrl,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
    users: [...users, ...UNCONNECTED].map((account) => ({ account, name: account })),
  })
  const options: ProxyProcessOptions = { port, issuer: identityProvider.issuer, users, upstreams, children }
  const process = await startInspected({
    parameters: ['--import', 'tsx', fileURLToPath(new URL('./proxy-process.ts', import.meta.url))],
    environment: { BENCH_PROXY: JSON.stringify(options) },
    ready: 'ready',
  })
  const tokensOf = (names: readonly string[]) =>
    Promise.all(
      names.map((user) => identityProvider.issueAccessToken(user, { expiresIn: 7200, audience: `${baseUrl}/mcp` })),
    )
  const [tokens, unconnected] = [await tokensOf(users), await tokensOf(UNCONNECTED)]
  const open = async (upstream: string, count: number, by: readonly string[]) => {
    const sessions: OpenedBenchSession[] = []
    for (let at = 0; at < count; at += 1)
      sessions.push(await openBenchSession(`${baseUrl}/${upstream}/mcp`, by[at % by.length] ?? ''))
    return sessions
  }
  return {
    process,
    open: (upstream, count) => open(upstream, count, tokens),
    openUnconnected: (upstream, count) => open(upstream, count, unconnected),
    syncs: async () => Number(await process.evaluate('fdatasyncs')),
    async close() {
      await process.close()
      await identityProvider.close()
    },
  }
}
