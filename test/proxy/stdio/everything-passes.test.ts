import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { openRawClient, rpc } from '../../harness/proxy/raw-client.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'
import { stdioServerFile } from '../../harness/proxy/stdio-server-file.ts'
import { transcriptOf, transcriptWith } from '../../harness/proxy/whole-surface.ts'

let proxy: StdioProxy

beforeAll(async () => {
  proxy = await startStdioProxy()
  await tool(await proxy.connectAndFill('alice'), 'who_am_i')
})
afterAll(() => proxy.close())

function directly(): Promise<readonly unknown[]> {
  const env = { SERVICE: proxy.service.origin, TOKEN: TOKENS.alice }
  const transport = new StdioClientTransport({ command: process.execPath, args: [stdioServerFile()], env })
  return transcriptWith(transport, async () => undefined)
}

async function proxied(): Promise<readonly unknown[]> {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const open = proxy.harness.openResponses()
  return transcriptOf(
    proxy.url,
    token,
    () => expect.poll(() => proxy.harness.openResponses()).toBeGreaterThan(open) as Promise<void>,
  )
}

test('everything that MCP 2025-11-25 has is the same through the proxy as directly', async () => {
  const direct = withoutProgress(await directly())
  // Two direct runs show what differs by itself.
  expect(withoutProgress(await directly())).toEqual(direct)
  expect(withoutProgress(await proxied())).toEqual(direct)
})

test('progress comes on the stream of its own call, before the answer', async () => {
  const client = await openRawClient(proxy.url, await proxy.harness.identityProvider.issueAccessToken('alice'))
  const call = (id: number, progressToken: string) =>
    client.send({ body: rpc(id, 'tools/call', { name: 'progress', arguments: {}, _meta: { progressToken } }) })
  const [one, other] = await Promise.all([call(1, 'one'), call(2, 'other')])
  for (const [{ text }, id, token] of [
    [one, 1, 'one'],
    [other, 2, 'other'],
  ] as const) {
    const messages = text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []))
    expect(messages.map(({ id: of, params }) => params?.progressToken ?? of)).toEqual([token, token, token, id])
  }
})

/** The SDK's client drops progress that it reads together with the answer, also directly. */
function withoutProgress(transcript: readonly unknown[]): readonly unknown[] {
  return transcript.filter(
    (entry) => !(Array.isArray(entry) && entry[0] === 'progress' && 'progress' in Object(entry[1])),
  )
}
