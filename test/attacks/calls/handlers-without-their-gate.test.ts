import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { CallExtra } from '../../../src/index.ts'
import type { ToolExtra as ExtraV1 } from '../../../src/mcp/sdk-v1/index.ts'
import type { ToolExtra as ExtraV2 } from '../../../src/mcp/sdk-v2/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import type { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { type HarnessV2, startHarnessV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

/** The handlers, and what other code in the process may call the gated ones with. */
function handlersOf(jira: Pick<CredentialsProvider, 'getCredentials'>) {
  const length = (extra: CallExtra) => jira.getCredentials(extra).use(async ({ pat = '' }) => `length ${pat.length}`)
  return {
    prompt: async (extra: CallExtra) => ({
      messages: [{ role: 'user' as const, content: { type: 'text' as const, text: await length(extra) } }],
    }),
    resource: async (uri: URL, extra: CallExtra) => ({ contents: [{ uri: uri.href, text: await length(extra) }] }),
  }
}

/** The gated handler for code that passes it anything, with the answer of the handler `like`. */
function loose<A>(gated: unknown, like: (...given: never) => A): (...given: unknown[]) => A {
  return gated as typeof like as (...given: unknown[]) => A
}

/** As a client could send it: JSON, with the words of an `extra`. */
const FORGED = {
  signal: {},
  requestId: 1,
  authInfo: { extra: { iss: 'x', sub: 'alice' } },
  mcpReq: { id: 1, signal: {} },
}

let first: Harness
let second: HarnessV2
beforeAll(async () => {
  first = await startHarness({
    tools(server, gate, { jira }) {
      const { prompt, resource } = handlersOf(jira)
      const gatedPrompt = loose(
        gate.prompt(jira, (extra: ExtraV1) => prompt(extra)),
        prompt,
      )
      const gatedResource = loose(
        gate.resource(jira, (uri: URL, extra: ExtraV1) => resource(uri, extra)),
        resource,
      )
      server.registerPrompt('gated', { argsSchema: {} }, (_, extra) => gatedPrompt(extra))
      server.registerPrompt('raw', { argsSchema: {} }, (_, extra) => prompt(extra))
      server.registerPrompt('forged', { argsSchema: {} }, () => gatedPrompt(FORGED))
      server.registerResource('gated', 'raw://gated', {}, gatedResource)
      server.registerResource('raw', 'raw://raw', {}, resource)
      server.registerResource('forged', 'raw://forged', {}, (uri) => gatedResource(uri, FORGED))
    },
  })
  second = await startHarnessV2({
    tools(server, gate, { jira }) {
      const { prompt, resource } = handlersOf(jira)
      const gatedPrompt = loose(
        gate.prompt(jira, (extra: ExtraV2) => prompt(extra)),
        prompt,
      )
      const gatedResource = loose(
        gate.resource(jira, (uri: URL, extra: ExtraV2) => resource(uri, extra)),
        resource,
      )
      server.registerPrompt('gated', {}, gatedPrompt)
      server.registerPrompt('raw', {}, prompt)
      server.registerPrompt('forged', {}, () => gatedPrompt(FORGED))
      server.registerResource('gated', 'raw://gated', {}, gatedResource)
      server.registerResource('raw', 'raw://raw', {}, resource)
      server.registerResource('forged', 'raw://forged', {}, (uri) => gatedResource(uri, FORGED))
    },
  })
  for (const harness of [first, second])
    await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
})
afterAll(async () => {
  await first.close()
  await second.close()
})

const SIDES = {
  'SDK 1.x': async () => (await first.connect('alice')).client,
  'SDK 2.x, MCP 2026-07-28': async () => (await second.connectV2('alice')).client,
  'SDK 2.x, MCP 2025-11-25': async () => (await second.connectV2('alice', { era: 'legacy' })).client,
}

describe.each(Object.entries(SIDES))('%s', (_, connect) => {
  const read = async (name: string) => {
    const client = await connect()
    return [client.getPrompt({ name }), client.readResource({ uri: `raw://${name}` })]
  }

  test('behind their gates both have the credential', async () => {
    for (const answer of await read('gated')) expect(JSON.stringify(await answer)).toContain(`length ${SECRET.length}`)
  })

  test('registered without their gates, neither has a credential, though its user has one', async () => {
    for (const answer of await read('raw')) await expect(answer).rejects.toThrow('extra is not from a gated call')
  })

  test('a gated handler that is called with what a client sent names no user', async () => {
    for (const answer of await read('forged')) await expect(answer).rejects.toThrow('has to be called with the SDK')
  })
})
