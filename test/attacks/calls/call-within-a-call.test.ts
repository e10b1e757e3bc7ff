import { afterAll, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

// Gated tools that call gated tools of the same provider, as "copy issue" calls "read issue".

let harness: Harness
let revoked: string
beforeAll(async () => {
  harness = await startHarness({
    tools(server, gate, { jira }) {
      const length = async (extra: ToolExtra) => {
        const text = await jira.getCredentials(extra).use(({ pat }) => `${String(pat).length} characters`)
        return { content: [{ type: 'text' as const, text }] }
      }
      const read = gate(jira, length)
      server.registerTool(
        'after',
        {},
        gate(jira, async (extra) => {
          await read(extra)
          return length(extra)
        }),
      )
      server.registerTool(
        'at_once',
        {},
        gate(jira, async (extra) => {
          const [first] = await Promise.all([read(extra), read(extra)])
          return first as Awaited<ReturnType<typeof length>>
        }),
      )
      server.registerTool(
        'revoke_other',
        {},
        gate(jira, async (extra) => {
          const done = await jira
            .invalidateCredentials(harness.owner('bob'), extra)
            .catch((error) => String(error.code))
          return { content: [{ type: 'text', text: `revoked: ${done}` }] }
        }),
      )
    },
  })
  for (const user of ['alice', 'bob'])
    await put(harness.backend, storageKey('jira', harness.owner(user)), { pat: `tok-of-${user}-3f9d2c71` })
})
afterAll(() => harness.close())

test.each(['after', 'at_once'])(
  'a handler keeps its credential when it calls another gated handler (%s)',
  async (tool) => {
    const alice = await harness.connect('alice')
    expect(await alice.text(tool)).toEqual({ text: expect.stringContaining('characters'), isError: false })
  },
)

test("one user's call cannot revoke another user's credential by its extra", async () => {
  const alice = await harness.connect('alice')
  revoked = (await alice.text('revoke_other')).text
  expect(revoked).not.toContain('revoked: true')
  const line = harness.audit.events.find(({ type, owner }) => type === 'credential.revoked' && owner?.subject === 'bob')
  expect(line).toBeUndefined()
})
