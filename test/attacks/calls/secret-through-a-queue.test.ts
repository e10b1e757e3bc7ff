import { AsyncResource } from 'node:async_hooks'
import { expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { startHarness } from '../../harness/mcp-harness.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

test("a secret released outside the call's own context, as by a pool, is still found in its answer", async () => {
  const pool = new AsyncResource('pool made at start')
  const harness = await startHarness({
    tools: (server, gate, { jira }) =>
      void server.registerTool(
        'pooled',
        {},
        gate(jira, async (extra) => {
          const credentials = jira.getCredentials(extra)
          const text = await pool.runInAsyncScope(() => credentials.use(({ pat }) => `token ${pat}`))
          return { content: [{ type: 'text', text }] }
        }),
      ),
  })
  try {
    await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
    const { text } = await (await harness.connect('alice')).text('pooled')
    expect(text).toContain('was withheld')
  } finally {
    await harness.close()
  }
})

test('a use() that nobody awaits hands out nothing once the call has answered', async () => {
  let late: Promise<unknown> = Promise.resolve()
  const harness = await startHarness({
    tools: (server, gate, { jira }) =>
      void server.registerTool(
        'careless',
        {},
        gate(jira, async (extra) => {
          late = jira
            .getCredentials(extra)
            .use(({ pat }) => pat)
            .catch((error: { code: string }) => error.code)
          return { content: [] }
        }),
      ),
  })
  try {
    await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
    await (await harness.connect('alice')).call('careless')
    expect(await late).toBe('call_ended')
  } finally {
    await harness.close()
  }
})
