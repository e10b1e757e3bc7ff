import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CredentialHandle } from '../../../src/core/credentials/credential-handle.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../../harness/http-service.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

// Alice's tool asks a service for many things that it is slow to answer. Nobody else is to wait for that.
const MANY = 150
const PATIENT = { timeout: 25_000 }

let service: HttpService
let harness: Harness
/** Answers of the service that have begun or are still owed. */
let held: ServerResponse[]
/** What Alice's tool does with the credential. */
let work: (handle: CredentialHandle) => unknown

beforeEach(async () => {
  held = []
  service = await startService((request, response) => {
    if (!request.url?.startsWith('/slow')) return response.end('quick')
    held.push(response)
    if (request.url === '/slow-body') response.writeHead(200).write('x'.repeat(300_000))
    return undefined
  })
  harness = await startHarness({
    jira: { destinations: [{ origin: service.origin, header: bearer }] },
    tools: (server, gate, { jira }) => {
      const answer = (text: unknown) => ({ content: [{ type: 'text' as const, text: String(text) }] })
      server.registerTool(
        'slow',
        {},
        gate(jira, async (extra) => answer(await work(jira.getCredentials(extra)))),
      )
      server.registerTool(
        'quick',
        {},
        gate(jira, async (extra) => {
          const response = await jira.getCredentials(extra).fetch(`${service.origin}/quick`)
          return answer(await response.text())
        }),
      )
    },
  })
  for (const user of ['alice', 'bob'])
    await put(harness.backend, storageKey('jira', harness.owner(user)), { pat: `${PAT}-${user}` })
})
afterEach(async () => {
  await harness.close()
  await service.close()
})

const fetches = (handle: CredentialHandle, path: string) =>
  Array.from({ length: MANY }, () => handle.fetch(service.origin + path))

test.each(['/slow', '/slow-body'])(
  "row a: one owner's slow fetches of %s keep no other owner waiting",
  async (path) => {
    work = (handle) => Promise.all(fetches(handle, path))
    const [alice, bob] = [await harness.connect('alice'), await harness.connect('bob')]
    const cancel = new AbortController()
    const call = alice.call('slow', { signal: cancel.signal }).catch(() => 'cancelled')
    await expect.poll(() => held.length, PATIENT).toBeGreaterThan(0)
    for (let turn = 0; turn < 5; turn += 1) expect(await bob.text('quick')).toEqual({ text: 'quick', isError: false })
    // Alice has a share and no more.
    expect(held.length).toBeLessThan(MANY)
    cancel.abort()
    expect(await call).toBe('cancelled')
  },
)

test("row a: a cancelled call's requests end with it, those that wait for their turn too", async () => {
  const ends: unknown[] = []
  work = async (handle) => {
    const outcomes = fetches(handle, '/slow').map((one) => one.catch((error: unknown) => error))
    ends.push(...(await Promise.all(outcomes)))
  }
  const alice = await harness.connect('alice')
  const cancel = new AbortController()
  const call = alice.call('slow', { signal: cancel.signal }).catch(() => 'cancelled')
  await expect.poll(() => held.length, PATIENT).toBeGreaterThan(0)
  cancel.abort()
  await call
  await expect.poll(() => ends, PATIENT).toHaveLength(MANY)
  expect(ends.every((error) => (error as { code?: string }).code === 'call_ended')).toBe(true)
  await expect.poll(() => held.filter((response) => !response.closed), PATIENT).toEqual([])
})

test.each(['/slow', '/slow-body'])(
  'row a: what a tool leaves running or unread at %s ends with its call',
  async (path) => {
    let last: Promise<unknown> = Promise.resolve()
    work = async (handle) => {
      const started = fetches(handle, path)
      last = Promise.allSettled(started)
      await expect.poll(() => held.length, PATIENT).toBeGreaterThan(0)
      if (path === '/slow-body') await started[0]
    }
    const alice = await harness.connect('alice')
    expect((await alice.text('slow')).isError).toBe(false)
    await last
    await expect.poll(() => held.filter((response) => !response.closed), PATIENT).toEqual([])
    // And its places are free again.
    expect(await alice.text('quick')).toEqual({ text: 'quick', isError: false })
  },
)

test('row a: who gets no turn in time is told so, and that is no outage of the service', async () => {
  const limits = { perOwner: 2, perOrigin: 3, waiting: 1, wait: 20 }
  const bound = fetchTo([{ origin: service.origin, header: bearer }], { limits })
  try {
    const owner = { issuer: 'https://login.example.com', subject: 'alice' }
    const unreachable: string[] = []
    const send = (subject = 'alice', signal = new AbortController().signal) =>
      bound.fetch(
        { pat: PAT },
        `${service.origin}/slow`,
        {},
        {
          owner: { ...owner, subject },
          signal,
          unreachable: async (_, reason) => void unreachable.push(reason),
        },
      )
    const settled = (request: Promise<unknown>) => request.catch((error: unknown) => error)
    const running = [send(), send()].map(settled)
    await expect.poll(() => held.length, PATIENT).toBe(2)
    const [waits, atOnce] = [send(), send()].map(settled)
    for (const request of [waits, atOnce])
      expect(await request).toMatchObject({ code: 'unavailable', reason: 'service_busy', retryable: true })
    running.push(settled(send('bob')))
    await expect.poll(() => held.length, PATIENT).toBe(3)
    expect(await settled(send('carol'))).toMatchObject({ reason: 'service_busy' })
    // Whoever does not wait any longer leaves, and the next one gets the place that becomes free.
    const leaving = new AbortController()
    const left = settled(send('alice', leaving.signal))
    leaving.abort(new Error('enough'))
    expect(await left).toMatchObject({ message: 'enough' })
    held[0]?.end('done')
    expect(await (await (running[0] as Promise<Response>)).text()).toBe('done')
    running.push(settled(send('carol')))
    await expect.poll(() => held.length, PATIENT).toBe(4)
    expect(unreachable).toEqual([])
    const ending = Promise.all(running.slice(1))
    await bound.close()
    for (const error of await ending) expect(error).toMatchObject({ code: 'unavailable', reason: 'closed' })
  } finally {
    await bound.close()
  }
})
