import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { type HttpService, startService } from '../harness/http-service.ts'
import { fillIn, linkIn, openForm, type TestClient } from '../harness/mcp-harness.ts'
import { type SentinelSetUp, startSentinels } from '../harness/redis/redis-topologies.ts'
import { type Fleet, type Replica, startFleet } from '../harness/replicas/fleet.ts'

const PAT = 'tok-3f9d2c71e8b04a56'
const ANSWER = new RegExp(`^${PAT.length} characters by replica-\\d$`)
const SAVED_PAGE = /saved|stored/i
const PATIENCE = { interval: 100, timeout: 60_000 }

let sentinels: SentinelSetUp
let service: HttpService
const answerAtOnce = async () => undefined
/** Called when a replica checks a token; the check is answered when it resolves. */
let onCheck: (replica: string) => Promise<void> = answerAtOnce

beforeAll(async () => {
  sentinels = await startSentinels()
  service = await startService(async (request, response) => {
    await onCheck(String(request.headers['x-replica']))
    response.end('ok')
  })
})
afterAll(async () => {
  await service.close()
  await sentinels.remove()
})

function redisOf(prefix: string): NodeJS.ProcessEnv {
  return {
    MCP_REDIS_SENTINEL_NAME: sentinels.name,
    MCP_REDIS_SENTINEL_NODES: sentinels.sentinels.join(','),
    MCP_REDIS_PREFIX: prefix,
  }
}

/** The tool's text, or the message of the error -32042, which has the link too. */
async function said(client: TestClient): Promise<string> {
  return client.text().then(
    ({ text }) => text,
    (error: Error) => error.message,
  )
}

describe('with sessions, which stick to a replica', () => {
  let fleet: Fleet
  /** Called when OpenBao has made a change for a replica that does not know it yet. */
  let afterChange: (replica: Replica) => Promise<void> = answerAtOnce
  beforeAll(async () => {
    fleet = await startFleet({
      mode: 'sessionful',
      redis: redisOf('sessionful:'),
      service: service.origin,
      async afterBackend(replica, { method, url }) {
        if (method === 'POST' && url.includes('/data/')) await afterChange(replica)
      },
    })
  })
  afterEach(() => fleet.forget('alice'))
  afterAll(() => fleet.stop())

  /** A call that waits for its user's form. Its answer is undefined when its replica is killed. */
  async function waitingCall() {
    const client = await fleet.connect('alice', { onLink: () => 'accept' })
    const answer = client.text().catch(() => undefined)
    await expect.poll(() => client.links.length, PATIENCE).toBe(1)
    return { client, answer, link: client.links[0] ?? '' }
  }

  test('the call waits on one, the login ends on the second, the third saves, and the result arrives', async () => {
    const { client, answer, link } = await waitingCall()
    const called = client.replica()
    await fleet.balancer.nextPageFrom(called.port)
    const before = fleet.balancer.passedOn().length
    expect(textOf((await fillIn(link, 'alice', { pat: PAT })).html)).toMatch(SAVED_PAGE)
    expect((await answer)?.text).toBe(`${PAT.length} characters by ${called.name}`)
    await expect.poll(() => client.completed, PATIENCE).toEqual(client.elicitationIds)
    const walked = fleet.balancer.passedOn().slice(before)
    expect(walked.filter(({ status }) => status >= 400)).toEqual([])
    const at = (page: string) => walked.find(({ path }) => path.endsWith(page))?.port
    expect(new Set([called.port, at('/callback'), at('/submit')])).toEqual(
      new Set(fleet.replicas.map(({ port }) => port)),
    )
  })

  test('the waiting replica is killed: its form still saves, and the retry needs no second prompt', async () => {
    const { client, link } = await waitingCall()
    const dead = client.replica()
    await dead.kill()
    expect(textOf((await fillIn(link, 'alice', { pat: PAT })).html)).toMatch(SAVED_PAGE)
    const again = await fleet.connect('alice', { onLink: () => 'accept' })
    expect((await again.text()).text).toMatch(ANSWER)
    expect(again.links).toEqual([])
    await dead.restart()
  })

  test('the replica that saves is killed between claim and save: the link still works', async () => {
    const { answer, client, link } = await waitingCall()
    const browser = httpBrowser()
    const form = await openForm(browser, link, 'alice')
    await fleet.balancer.nextPageFrom(fleet.after(client.replica()).port)
    let dead: Replica | undefined
    onCheck = async (name) => {
      onCheck = answerAtOnce
      dead = fleet.replicas.find((replica) => replica.name === name)
      await dead?.kill()
    }
    expect((await browser.press(form, 'Save', { pat: 'never saved' })).status).toBeGreaterThanOrEqual(500)
    // The claim of the dead one lapses within a minute.
    const save = async () => textOf((await browser.press(form, 'Save', { pat: PAT })).html)
    await expect.poll(save, { interval: 2000, timeout: 110_000 }).toMatch(SAVED_PAGE)
    expect((await answer)?.text).toMatch(ANSWER)
    expect(dead).toBeDefined()
    await dead?.restart()
  })

  test('the replica that saves is killed between the write and the wake: the waiting call ends with its result', async () => {
    const { answer, client, link } = await waitingCall()
    const browser = httpBrowser()
    const form = await openForm(browser, link, 'alice')
    await fleet.balancer.nextPageFrom(fleet.after(client.replica()).port)
    let dead: Replica | undefined
    afterChange = async (replica) => {
      afterChange = answerAtOnce
      dead = replica
      await replica.kill()
    }
    expect((await browser.press(form, 'Save', { pat: PAT })).status).toBeGreaterThanOrEqual(500)
    expect((await answer)?.text).toMatch(ANSWER)
    expect(dead).toBeDefined()
    await dead?.restart()
  })

  test('a call outlasts a restart of Redis and a fail-over', async () => {
    const { answer, link } = await waitingCall()
    const former = await sentinels.masterPort()
    await sentinels.nodeAt(former).stop('SIGKILL')
    await expect.poll(() => sentinels.masterPort(), PATIENCE).not.toBe(former)
    await sentinels.nodeAt(former).restart()
    const save = async () => textOf((await fillIn(link, 'alice', { pat: PAT })).html)
    await expect.poll(save, PATIENCE).toMatch(SAVED_PAGE)
    expect((await answer)?.text).toMatch(ANSWER)
  })

  test('what is revoked on one page, or offboarded by a command, is refused on every replica', async () => {
    const clients = await Promise.all(fleet.replicas.map((replica) => fleet.connect('alice', {}, replica)))
    const texts = () => Promise.all(clients.map(said))
    const [first = ''] = await texts()
    const browser = httpBrowser()
    await fillIn(linkIn(first), 'alice', { pat: PAT }, browser)
    const allAnswer = fleet.replicas.map(({ name }) => `${PAT.length} characters by ${name}`)
    // In every cache for 300 seconds now.
    expect(await texts()).toEqual(allAnswer)
    const page = await browser.open(`${fleet.balancer.url}/credentials`)
    await browser.press(await browser.follow(page, 'Revoke Jira'), 'Revoke')
    await expect.poll(texts, PATIENCE).toEqual(allAnswer.map(() => expect.stringContaining('/credentials/jira/entry')))

    await fillIn(linkIn((await texts())[0] ?? ''), 'alice', { pat: PAT })
    await expect.poll(texts, PATIENCE).toEqual(allAnswer)
    const { issuer, subject } = fleet.owner('alice')
    const offboarded = await fleet.command(['offboard', '--issuer', issuer, '--subject', subject])
    expect(offboarded.out).toContain('jira')
    await expect.poll(texts, PATIENCE).toEqual(allAnswer.map(() => expect.stringContaining('/credentials/jira/entry')))
    expect(textOf((await browser.open(`${fleet.balancer.url}/credentials`)).html)).toMatch(/sign in/i)
  })
})

describe('stateless, each request on another replica', () => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await startFleet({ mode: 'stateless', redis: redisOf('stateless:'), service: service.origin })
  })
  afterAll(() => fleet.stop())

  test('a call gives a link, whose form any replica serves, and the next call answers on another one', async () => {
    const alice = await fleet.connect('alice')
    const link = linkIn(await said(alice))
    expect(textOf((await fillIn(link, 'alice', { pat: PAT })).html)).toMatch(SAVED_PAGE)
    const answers = await Promise.all([alice.text(), alice.text(), alice.text()])
    expect(new Set(answers.map(({ text }) => text))).toEqual(
      new Set(fleet.replicas.map(({ name }) => `${PAT.length} characters by ${name}`)),
    )
  })

  test('calls on every replica share one link, and a replica that is killed leaves it working', async () => {
    const bob = await fleet.connect('bob')
    const texts = await Promise.all([said(bob), said(bob), said(bob)])
    const handles = new Set(texts.map(linkIn))
    expect(handles.size).toBe(1)
    const [link = ''] = handles
    const [first] = fleet.replicas
    await first?.kill()
    expect(textOf((await fillIn(link, 'bob', { pat: PAT })).html)).toMatch(SAVED_PAGE)
    expect((await bob.text()).text).toMatch(ANSWER)
  })
})
