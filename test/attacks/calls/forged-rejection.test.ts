import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { CredentialHandle } from '../../../src/core/credentials/credential-handle.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { fillIn, type Harness, type HarnessOptions, linkIn, startHarness } from '../../harness/mcp-harness.ts'

// Somebody tries to put another owner's credential, or a newer version, out of use.
const good = new Set(['tok-alice-41c7', 'tok-bob-9d02', 'tok-alice-new-77a1'])
const kept: CredentialHandle[] = []
let service: Server
let harness: Harness
let origin = ''
let beforeReject: () => Promise<unknown> = async () => undefined

function settings(): HarnessOptions {
  return {
    cacheSeconds: 0,
    jira: { destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }], referenceTtlSeconds: 60 },
    tools(server, gate, { jira }) {
      const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
      server.registerTool(
        'fetch',
        {},
        gate(jira, async (extra) => answer(`${(await jira.getCredentials(extra).fetch('/')).status}`)),
      )
      server.registerTool(
        'reference',
        {},
        gate(jira, async (extra) => {
          const handle = jira.getCredentials(extra)
          kept.push(handle)
          return answer(handle.reference)
        }),
      )
      server.registerTool(
        'reject_before_use',
        {},
        gate(jira, async (extra) => {
          await jira.getCredentials(extra).reject({ status: 401 })
          return answer('done')
        }),
      )
      server.registerTool(
        'reject_late',
        {},
        gate(jira, { retry: false }, async (extra) => {
          const handle = jira.getCredentials(extra)
          await handle.use(() => undefined)
          await beforeReject()
          await handle.reject({ status: 401 })
          return answer('done')
        }),
      )
    },
  }
}

beforeAll(async () => {
  service = createServer(({ headers: { authorization = '' } }, response) => {
    response.statusCode = good.has(authorization.replace('Bearer ', '')) ? 200 : 401
    response.end()
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  harness = await startHarness(settings())
})
afterEach(async () => {
  for (const user of ['alice', 'bob']) await harness.forget(user)
  kept.length = 0
  beforeReject = async () => undefined
})
afterAll(async () => {
  service.close()
  await harness.close()
})

/** Saves the user's token and returns a client of theirs. */
async function connected(user: 'alice' | 'bob', pat: string) {
  const client = await harness.connect(user)
  await fillIn(linkIn((await client.text('fetch')).text), user, { pat })
  expect((await client.text('fetch')).text).toBe('200')
  return client
}

const rejections = () => harness.audit.events.filter(({ type }) => type === 'credential.rejected')

const written = (pat: string) =>
  harness.backend.write(
    storageKey('jira', harness.owner('alice')),
    { pat },
    { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: pat },
    { signal: new AbortController().signal, correlationId: 'by-hand' },
  )

test("another owner cannot reject through somebody's reference", async () => {
  const alice = await connected('alice', 'tok-alice-41c7')
  const { text: reference } = await alice.text('reference')
  expect(() => harness.jira.resolve(reference, harness.owner('bob'))).toThrow(
    expect.objectContaining({ code: 'reference_invalid' }),
  )
  expect((await alice.text('fetch')).text).toBe('200')
  expect(rejections()).toEqual([])
})

test('a handle that outlived its call cannot reject', async () => {
  const alice = await connected('alice', 'tok-alice-41c7')
  await alice.text('reference')
  await expect(kept[0]?.reject({ status: 401 })).rejects.toMatchObject({ code: 'call_ended' })
  expect((await alice.text('fetch')).text).toBe('200')
})

test('a call that was given nothing has nothing to reject', async () => {
  const alice = await connected('alice', 'tok-alice-41c7')
  expect(await alice.text('reject_before_use')).toEqual({ text: 'done', isError: false })
  expect((await alice.text('fetch')).text).toBe('200')
  expect(rejections()).toEqual([])
})

test('a late rejection of an older version leaves the newer one in use', async () => {
  const alice = await connected('alice', 'tok-alice-41c7')
  beforeReject = () => written('tok-alice-new-77a1')
  expect((await alice.text('reject_late')).text).toBe('done')
  expect((await alice.text('fetch')).text).toBe('200')
  expect(rejections()).toEqual([])
})

test('a rejection is in the log before it takes effect: without the log, the credential stays in use', async () => {
  const alice = await connected('alice', 'tok-alice-41c7')
  const { append } = harness.audit
  harness.audit.append = async (event) => {
    if (event.type === 'credential.rejected') throw new Error('disk full')
    return append(event)
  }
  try {
    expect((await alice.text('reject_late')).isError).toBe(true)
  } finally {
    harness.audit.append = append
  }
  expect((await alice.text('fetch')).text).toBe('200')
})

test('a mark that an operator forged makes its owner be asked, and reveals and changes nothing', async () => {
  const alice = await connected('alice', 'tok-alice-41c7')
  const bob = await connected('bob', 'tok-bob-9d02')
  const key = storageKey('jira', harness.owner('alice'))
  const call = { signal: new AbortController().signal, correlationId: 'by-hand' }
  const found = await harness.backend.stat(key, call)
  if (found.status !== 'active') throw new Error('alice has no credential')
  await harness.backend.markRejected?.(key, found.version, new Date(), call)
  await expect.poll(async () => (await alice.text('fetch')).text).toContain('rejected your stored credential')
  expect((await bob.text('fetch')).text).toBe('200')
  // Erased again, it is in use again.
  await harness.backend.markRejected?.(key, found.version, undefined, call)
  await expect.poll(async () => (await alice.text('fetch')).text).toBe('200')
})
