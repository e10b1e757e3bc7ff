import { InMemoryServerEventBus } from '@modelcontextprotocol/server'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ListeningStream, listen } from '../../harness/listening-stream.ts'
import { type HarnessV2, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

/** A stranger wants to listen; a user wants to hear of another's resource, or to keep the others from listening. */

const LIMIT = 5
const OWN = 'test://alice/notes'

let harness: HarnessV2
const bus = new InMemoryServerEventBus()
beforeAll(async () => {
  harness = await startHarnessV2({
    mount: { bus, maxOpenResponsesPerOwner: LIMIT },
    serverOptions: { capabilities: { tools: { listChanged: true }, resources: { subscribe: true } } },
    tools(server) {
      server.registerResource('notes', OWN, {}, () => ({ contents: [] }))
    },
  })
})
afterAll(() => harness.close())

const url = () => `${harness.baseUrl}/mcp`
const tokenOf = (user: string, audience?: string) =>
  harness.identityProvider.issueAccessToken(user, audience === undefined ? {} : { audience })

const opened: ListeningStream[] = []
afterEach(async () => {
  const all = opened.splice(0)
  for (const one of all) one.close()
  await Promise.all(all.map(({ ended }) => ended))
  await expect.poll(() => harness.openResponses()).toBe(0)
})

async function stream(token: string | undefined, notifications: object): Promise<ListeningStream> {
  const one = await listen(url(), token, notifications)
  opened.push(one)
  return one
}

test.each([
  ['without a token', async () => undefined],
  ["with another service's token", () => tokenOf('alice', 'https://other.example.com/mcp')],
])('nobody listens %s', async (_, token) => {
  const { response, ended, messages } = await stream(await token(), { toolsListChanged: true })
  expect(response.status).toBe(401)
  bus.publish({ kind: 'tools_list_changed' })
  expect(await ended).toBe('ended')
  expect(messages).toEqual([])
})

test('who has not named a resource is not told that it changed, nor by a name that only begins like it', async () => {
  const bob = await stream(await tokenOf('bob'), {
    toolsListChanged: true,
    resourceSubscriptions: ['test://bob/notes', 'test://alice', `${OWN}/`, '*'],
  })
  const alice = await stream(await tokenOf('alice'), { resourceSubscriptions: [OWN] })
  await expect.poll(() => [bob.messages.length, alice.messages.length]).toEqual([1, 1])
  bus.publish({ kind: 'resource_updated', uri: OWN })
  bus.publish({ kind: 'tools_list_changed' })
  // What came later is here, so what came before would be, too.
  await expect.poll(() => bob.messages.at(-1)?.method).toBe('notifications/tools/list_changed')
  expect(bob.messages).toHaveLength(2)
  await expect.poll(() => alice.messages.at(-1)?.params?.uri).toBe(OWN)
})

test('who opens too many streams is refused more of them, and keeps nobody else from listening or calling', async () => {
  const token = await tokenOf('bob')
  const open = await Promise.all(Array.from({ length: LIMIT }, () => stream(token, { toolsListChanged: true })))
  expect(open.map(({ response }) => response.status)).toEqual(open.map(() => 200))
  expect((await stream(token, { toolsListChanged: true })).response.status).toBe(503)
  expect((await rawLeg(url(), token, { tool: 'open' })).status).toBe(503)
  const alice = await stream(await tokenOf('alice'), { toolsListChanged: true })
  expect(alice.response.status).toBe(200)
  const answer = await rawLeg(url(), await tokenOf('alice'), { tool: 'open' })
  expect(answer.result?.content).toEqual([{ type: 'text', text: 'open to all' }])
})

test('a stream that its client closes is gone: nothing is kept, and the place is free', async () => {
  const token = await tokenOf('bob')
  for (let round = 0; round < LIMIT * 3; round += 1) {
    const one = await listen(url(), token, { toolsListChanged: true })
    expect(one.response.status).toBe(200)
    one.close()
    await one.ended
    await expect.poll(() => harness.openResponses()).toBe(0)
  }
  expect(bus.listenerCount).toBe(0)
})
