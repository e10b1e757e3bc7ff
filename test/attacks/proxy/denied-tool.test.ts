import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { openRawClient, type RawClient, rpc } from '../../harness/proxy/raw-client.ts'

let proxy: ProxyHarness
let alice: RawClient

beforeAll(async () => {
  proxy = await startProxyHarness({
    upstream: { register },
    config: { tools: { deny: ['delete_project', 'admin_*'] } },
  })
  await (await proxy.connectAndFill('alice')).text('who_am_i')
  alice = await openRawClient(proxy.url, await proxy.harness.identityProvider.issueAccessToken('alice'))
})
afterAll(() => proxy.close())

function register(server: McpServer): void {
  for (const name of ['delete_project', 'admin_reset', 'list_projects'])
    server.registerTool(name, { description: name }, async () => ({ content: [{ type: 'text', text: `did ${name}` }] }))
}

const reached = () => proxy.upstream.received.filter(({ body }) => /delete|admin|reset/i.test(body)).length

test('a denied tool is not listed, although the server lists it', async () => {
  const { text } = await alice.send({ body: rpc(1, 'tools/list') })
  expect(text).toContain('list_projects')
  expect(text).not.toMatch(/delete_project|admin_reset/)
})

test.each([
  'delete_project',
  'DELETE_PROJECT',
  'Delete-Project',
  'delete project',
  ' delete_project ',
  'deleteProject',
  'delete_project\u0000',
  'delete\u200b_project',
  'ｄｅｌｅｔｅ_ｐｒｏｊｅｃｔ',
  'dèlete_project',
  'admin_reset',
  'admin_',
  'ADMIN.RESET',
  ['delete_project'],
  { toString: 'delete_project' },
  null,
])('%j is refused and never reaches the server', async (name) => {
  const before = reached()
  const { text } = await alice.send({ body: rpc(2, 'tools/call', { name, arguments: {} }) })
  expect(text).toContain('There is no such tool here')
  expect(text).not.toContain('did ')
  expect(reached()).toBe(before)
})

test('a name that is given twice in the message is judged as it is sent on', async () => {
  const before = reached()
  const { url } = proxy
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const send = (body: string) =>
    fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
        'mcp-session-id': alice.sessionId,
      },
      body,
    }).then((answer) => answer.text())
  const both = (first: string, second: string) =>
    `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"${first}","name":"${second}","arguments":{}}}`
  expect(await send(both('list_projects', 'delete_project'))).toContain('There is no such tool here')
  expect(await send(both('delete_project', 'list_projects'))).toContain('did list_projects')
  expect(reached()).toBe(before)
})

test.each(['Tools/Call', 'tools/call ', 'tools//call', 'TOOLS_CALL'])(
  'the method %j is no way around the names',
  async (method) => {
    const before = reached()
    const { text } = await alice.send({ body: rpc(4, method, { name: 'delete_project', arguments: {} }) })
    expect(text).toContain('There is no such tool here')
    expect(reached()).toBe(before)
  },
)

test('other tools are called as before', async () => {
  const { text } = await alice.send({ body: rpc(5, 'tools/call', { name: 'list_projects', arguments: {} }) })
  expect(text).toContain('did list_projects')
})
