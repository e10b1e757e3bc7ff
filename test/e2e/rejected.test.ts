import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { fillIn, type Harness, type HarnessOptions, linkIn, startHarness } from '../harness/mcp-harness.ts'

// A service whose tokens die, as they do: they expire, or somebody deletes them there.
const good = new Set<string>()
let everybodyRefused = false
const seen: string[] = []
let service: Server
let harness: Harness
let runs = 0
let progressOfRun: number[] = []
const warnings: string[] = []

let origin = ''

/** Tools that use the service in each way, and a provider that may send credentials to it. */
function settings(): HarnessOptions {
  return {
    warn: (message) => void warnings.push(message),
    jira: { destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }], tokenTimeoutSeconds: 100 },
    tools(server, gate, { jira }) {
      const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
      server.registerTool(
        'fetch',
        {},
        gate(jira, { tool: 'fetch' }, async (extra) => {
          runs += 1
          const { progressToken } = extra._meta ?? {}
          for (const progress of progressToken === undefined ? [] : progressOfRun)
            await extra.sendNotification({
              method: 'notifications/progress',
              params: { progressToken, progress },
            } as never)
          const { status } = await jira.getCredentials(extra).fetch('/')
          if (status !== 200) throw new Error(`The service answered ${status}.`)
          return answer(`run ${runs}`)
        }),
      )
      const once = async (status: () => Promise<number>) => {
        runs += 1
        return answer(`run ${runs}: ${await status()}`)
      }
      server.registerTool(
        'once',
        {},
        gate(jira, { retry: false }, (extra) => once(async () => (await jira.getCredentials(extra).fetch('/')).status)),
      )
      server.registerTool(
        'fast',
        {},
        gate(jira, { failFast: true }, (extra) =>
          once(async () => (await jira.getCredentials(extra).fetch('/')).status),
        ),
      )
      server.registerTool(
        'forbidden',
        {},
        gate(jira, (extra) => once(async () => (await jira.getCredentials(extra).fetch('/forbidden')).status)),
      )
      server.registerTool(
        'by_hand',
        {},
        gate(jira, async (extra) => {
          runs += 1
          const credentials = jira.getCredentials(extra)
          const works = await credentials.use(({ pat }) => good.has(String(pat)))
          if (!works) await credentials.reject({ status: 498 })
          return answer(`run ${runs}`)
        }),
      )
    },
  }
}

beforeAll(async () => {
  service = createServer(({ headers: { authorization = '' }, url }, response) => {
    const token = authorization.replace('Bearer ', '')
    seen.push(token)
    response.statusCode = url === '/forbidden' ? 403 : everybodyRefused || !good.has(token) ? 401 : 200
    response.end(token === '' ? '' : 'hello')
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  harness = await startHarness(settings())
})
afterEach(async () => {
  await Promise.all(filling.splice(0))
  for (const user of ['alice', 'bob']) await harness.forget(user)
  good.clear()
  seen.length = 0
  runs = 0
  progressOfRun = []
  everybodyRefused = false
})
afterAll(async () => {
  service.close()
  await harness.close()
})

const filling: Promise<unknown>[] = []
let serial = 0

function freshToken(): string {
  serial += 1
  const token = `tok-${serial}-3f9d2c71e8b04a56`
  good.add(token)
  return token
}

/** Consents, and enters a token that works, or the one given. */
const entering =
  (user: string, token = freshToken) =>
  (link: string): 'accept' => {
    filling.push(fillIn(link, user, { pat: token() }))
    return 'accept'
  }

const linesOf = (type: string) => harness.audit.events.filter((event) => event.type === type)

test('a token that is ended at its service: the same call asks for a new one, and ends with a result', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  expect(await alice.text('fetch')).toEqual({ text: 'run 1', isError: false })
  good.clear()
  expect(await alice.text('fetch')).toEqual({ text: 'run 3', isError: false })
  expect(alice.links).toHaveLength(2)
  expect(alice.completed).toEqual(alice.elicitationIds)
  expect(linesOf('credential.rejected').at(-1)).toMatchObject({
    outcome: 'success',
    provider: 'jira',
    version: '1',
    status: 401,
    destination: expect.stringContaining('http://127.0.0.1:'),
  })
  expect(linesOf('credential.requested').at(-1)).toMatchObject({ reason: 'rejected' })
})

test('reject() does the same for what use() was given', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  await alice.text('by_hand')
  good.clear()
  expect(await alice.text('by_hand')).toEqual({ text: 'run 3', isError: false })
  expect(linesOf('credential.rejected').at(-1)).toMatchObject({ status: 498 })
})

test('the page says that the service refused it, and the client is asked in those words', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  await alice.text('fetch')
  good.clear()
  const words = await harness.connect('alice')
  const { text, isError } = await words.text('fetch')
  expect([isError, text]).toEqual([true, expect.stringContaining('Jira rejected your stored credential')])
  await fillIn(linkIn(text), 'alice', { pat: freshToken() })
  expect(await words.text('fetch')).toEqual({ text: 'run 3', isError: false })
})

test('a client on -32042 gets the link for the rejected credential', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  await alice.text('fetch')
  good.clear()
  const failed: unknown = await alice.call('fast').catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: -32042, message: expect.stringContaining('rejected your stored credential') })
  expect(runs).toBe(2)
})

test('ten calls at once make one request with one link and one question, and one save wakes all', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  await alice.text('fetch')
  good.clear()
  const rejectedBefore = linesOf('credential.rejected').length
  const waiting = await harness.connect('alice', { onLink: () => 'accept' })
  const requestedBefore = linesOf('credential.requested').length
  const calls = Array.from({ length: 10 }, () => waiting.text('fetch'))
  await expect.poll(() => linesOf('credential.requested').length).toBe(requestedBefore + 10)
  await expect.poll(() => waiting.links.length).toBe(1)
  expect(linesOf('credential.rejected')).toHaveLength(rejectedBefore + 1)
  await fillIn(waiting.links[0] ?? '', 'alice', { pat: freshToken() })
  const answers = await Promise.all(calls)
  expect(answers.filter(({ isError }) => isError)).toEqual([])
  expect(waiting.links).toHaveLength(1)
  expect(waiting.completed).toEqual(waiting.elicitationIds)
})

test('the handler runs again at most once: a second refusal is answered with the link', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice', () => 'tok-of-somebody-else-1111') })
  const { text, isError } = await alice.text('fetch')
  expect([isError, runs]).toEqual([true, 2])
  expect(text).toContain('Jira rejected your stored credential')
  expect(new Set(seen)).toEqual(new Set(['tok-of-somebody-else-1111']))
})

test('a handler that opted out keeps its answer, and the next call asks', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  await alice.text('once')
  good.clear()
  expect(await alice.text('once')).toEqual({ text: 'run 2: 401', isError: false })
  expect(alice.links).toHaveLength(1)
  expect(await alice.text('once')).toEqual({ text: 'run 3: 200', isError: false })
  expect(alice.links).toHaveLength(2)
})

test('a 403 says nothing about the credential', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  expect(await alice.text('forbidden')).toEqual({ text: 'run 1: 403', isError: false })
  expect(await alice.text('fetch')).toEqual({ text: 'run 2', isError: false })
  expect(alice.links).toHaveLength(1)
})

test('a token that was replaced in the backend meanwhile is tried, and nobody is asked', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  await alice.text('by_hand')
  good.clear()
  const key = (await import('../../src/core/model/storage-key.ts')).storageKey('jira', harness.owner('alice'))
  await harness.backend.write(
    key,
    { pat: freshToken() },
    { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: 'by-hand' },
    { signal: new AbortController().signal, correlationId: 'by-hand' },
  )
  expect((await alice.text('by_hand')).isError).toBe(false)
  expect(alice.links).toHaveLength(1)
})

test('progress goes on rising over the wait and the second run', async () => {
  progressOfRun = [1, 2, 3]
  const heard: number[] = []
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  await alice.text('fetch')
  good.clear()
  await alice.text('fetch', { onprogress: ({ progress }) => void heard.push(progress) })
  expect(heard).toEqual([1, 2, 3, 4, 5, 6])
})

test("a rejection of one owner's token changes nothing for another owner", async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  const bob = await harness.connect('bob', { onLink: entering('bob') })
  await alice.text('fetch')
  const before = new Set(good)
  await bob.text('fetch')
  for (const token of before) good.delete(token)
  expect((await alice.text('fetch')).isError).toBe(false)
  expect((await bob.text('fetch')).isError).toBe(false)
  expect([alice.links.length, bob.links.length]).toEqual([2, 1])
})

test('a service that refuses everybody is an outage: nothing stays out of use, and the operator is told', async () => {
  const strict = await startHarness({ ...settings(), maxRejectedOwnersPerMinute: 1 })
  onTestFinished(() => strict.close())
  const consent = (user: string) => (link: string) => {
    filling.push(fillIn(link, user, { pat: freshToken() }))
    return 'accept' as const
  }
  const alice = await strict.connect('alice', { onLink: consent('alice') })
  const bob = await strict.connect('bob', { onLink: consent('bob') })
  for (const client of [alice, bob]) expect((await client.text('once')).text).toContain('200')
  everybodyRefused = true
  for (const client of [alice, bob]) expect((await client.text('once')).text).toContain('401')
  everybodyRefused = false
  for (const client of [alice, bob]) expect((await client.text('once')).text).toContain('200')
  expect([alice.links.length, bob.links.length]).toEqual([1, 1])
  expect(warnings.filter((text) => text.includes('rejected the credentials of more than 1 users'))).toHaveLength(1)
  const outages = strict.audit.events.filter(({ type }) => type === 'credential.service_unreachable')
  expect(outages).toMatchObject([{ reason: 'service_refuses_everybody', status: 401 }])
})
