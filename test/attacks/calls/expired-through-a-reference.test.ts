import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

// A reference that outlives its call, as a queue of jobs keeps it, for a credential that expires in the meantime.

const DAY = 86_400_000
const memory = memoryBackend()
let age = 0
const backend: SecretBackend = {
  ...memory,
  async stat(key, made) {
    const found = await memory.stat(key, made)
    if (found.status !== 'active') return found
    const createdAt = new Date(found.version.createdAt.getTime() - age)
    return { ...found, version: { ...found.version, createdAt } }
  },
}
let harness: Harness
let reference = ''
beforeAll(async () => {
  harness = await startHarness({
    backend,
    cacheSeconds: 0,
    jira: { referenceTtlSeconds: 3600, maxAgeDays: 30 },
    tools(server, gate, { jira }) {
      server.registerTool(
        'queue_it',
        {},
        gate(jira, async (extra) => {
          reference = jira.getCredentials(extra).reference
          return { content: [{ type: 'text', text: 'queued' }] }
        }),
      )
    },
  })
})
beforeEach(async () => {
  age = 0
  await put(memory, key(), { pat: 'tok-of-alice' })
  const alice = await harness.connect('alice')
  expect((await alice.text('queue_it')).text).toContain('queued')
})
afterAll(() => harness.close())

const key = () => storageKey('jira', harness.owner('alice'))
const resolved = () => harness.jira.resolve(reference as never, harness.owner('alice'))

const ways: Record<string, () => Promise<void>> = {
  'whose last day has passed': async () =>
    void (await put(memory, key(), { pat: 'tok-of-alice' }, { labels: { expiresAt: new Date(Date.now() - 1000) } })),
  'that is older than maxAgeDays': async () => {
    age = 31 * DAY
  },
}

test.each(Object.keys(ways))('a reference does not release a credential %s', async (way) => {
  await ways[way]?.()
  await expect(resolved().use(() => 'released')).rejects.toMatchObject({ code: 'credential_expired' })
})

test.each(Object.keys(ways))('a handle that is kept releases no more of a credential %s', async (way) => {
  const handle = resolved()
  expect(await handle.use(() => 'released')).toBe('released')
  await ways[way]?.()
  await expect(handle.use(() => 'released')).rejects.toMatchObject({ code: 'credential_expired' })
})
