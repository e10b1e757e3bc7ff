import { expect, onTestFinished, test } from 'vitest'
import { fillIn, linkIn } from '../../harness/mcp-harness.ts'
import { rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

test('a resource behind the gate is never offered to a shared cache', async () => {
  const harness = await startHarnessV2({
    serverOptions: { cacheHints: { 'resources/read': { cacheScope: 'public', ttlMs: 60_000 } } },
    tools(server, require, { jira }) {
      const contents = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'the same for all' }] })
      server.registerResource('open', 'notes://open', {}, contents)
      server.registerResource(
        'mine',
        'notes://mine',
        { cacheHint: { cacheScope: 'public', ttlMs: 60_000 } },
        require.resource(jira, (uri, _extra) => ({ contents: [{ uri: uri.href, text: 'mine' }] })),
      )
    },
  })
  onTestFinished(() => harness.close())
  const alice = await harness.connectV2('alice')
  await fillIn(linkIn((await alice.text()).text), 'alice', { pat: 'tok-3f9d2c71e8b04a56' })
  const read = (tool: string) => rawLeg(`${harness.baseUrl}/mcp`, alice.token, { method: 'resources/read', tool })
  expect((await read('notes://open')).result?.cacheScope).toBe('public')
  expect((await read('notes://mine')).result).toMatchObject({ cacheScope: 'private', contents: [{ text: 'mine' }] })
})
