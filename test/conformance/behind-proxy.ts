import { connectClient, fillIn } from '../harness/mcp-harness.ts'
import { startProxyBefore } from '../harness/proxy/proxy-harness.ts'
import { type Check, runSuite } from './suite.ts'
import { startTokenProxy } from './token-proxy.ts'

/** Runs the suite against a server that stands behind the credential proxy, and takes Alice's own token from a header. */
export async function runBehindProxy(url: string, upstreamToken: string, revision: string): Promise<Check[]> {
  const proxy = await startProxyBefore(async () => ({ url, close: async () => undefined }))
  try {
    const { identityProvider } = proxy.harness
    const token = await identityProvider.issueAccessToken('alice', { expiresIn: 3600 })
    const { client } = await connectClient(proxy.url, token, {
      onLink: async (link) => {
        await fillIn(link, 'alice', { pat: upstreamToken })
        return 'accept' as const
      },
    })
    await client.callTool({ name: 'test_simple_text' })
    await client.close()
    const tokenProxy = await startTokenProxy(new URL(proxy.url), token)
    try {
      return await runSuite(tokenProxy.url, revision)
    } finally {
      await tokenProxy.close()
    }
  } finally {
    await proxy.close()
  }
}

/** Returns each check that ended otherwise behind the proxy than directly. */
export function differences(run: string, direct: readonly Check[], behind: readonly Check[]): readonly string[] {
  const before = outcomes(direct)
  const after = outcomes(behind)
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((id) => {
    const [one = 'not run', other = 'not run'] = [before.get(id), after.get(id)]
    const problem = behind.find((check) => check.id === id && check.status !== 'SUCCESS')?.problem ?? ''
    return one === other ? [] : [`${run}: ${id}: directly ${one}, behind the proxy ${other}: ${problem}`]
  })
}

/** A scenario may report a check several times. */
function outcomes(checks: readonly Check[]): Map<string, string> {
  const found = new Map<string, string[]>()
  for (const { id, status } of checks) found.set(id, [...(found.get(id) ?? []), status.toLowerCase()])
  return new Map([...found].map(([id, all]) => [id, all.sort().join(', ')]))
}
