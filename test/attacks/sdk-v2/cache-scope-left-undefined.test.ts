import { expect, onTestFinished, test } from 'vitest'
import { fillIn, linkIn } from '../../harness/mcp-harness.ts'
import { rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

// A handler passes on what an upstream answered: a scope that is not there, or one that MCP does not know. The server's own hint is public.
test.each([
  ['undefined', undefined],
  ['unknown', 'user'],
])('a gated resource whose handler leaves the scope %s is not offered to a shared cache', async (_, cacheScope) => {
  const harness = await startHarnessV2({
    serverOptions: { cacheHints: { 'resources/read': { cacheScope: 'public', ttlMs: 60_000 } } },
    tools(server, require, { jira }) {
      server.registerResource(
        'mine',
        'notes://mine',
        {},
        require.resource(jira, (uri, _extra) => ({ contents: [{ uri: uri.href, text: 'mine' }], cacheScope }) as never),
      )
    },
  })
  onTestFinished(() => harness.close())
  const alice = await harness.connectV2('alice')
  await fillIn(linkIn((await alice.text()).text), 'alice', { pat: 'tok-3f9d2c71e8b04a56' })
  const answer = await rawLeg(`${harness.baseUrl}/mcp`, alice.token, { method: 'resources/read', tool: 'notes://mine' })
  expect(answer.result?.contents?.[0]?.text).toBe('mine')
  expect(answer.result?.cacheScope).toBe('private')
})
