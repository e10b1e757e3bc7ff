import { type HttpBrowser, httpBrowser } from '../../examples/tickets/http-browser.ts'
import { bringPython } from '../../scripts/bring-python.mjs'
import { openForm } from '../../test/harness/mcp-harness.ts'
import { type RedisNode, startRedisNode } from '../../test/harness/redis/redis-server.ts'
import { type Fleet, type Replica, startFleet } from '../../test/harness/replicas/fleet.ts'
import { type BenchSession, openBenchSession } from '../mcp-session.ts'
import { type Measure, median } from '../measure.ts'
import { commandCounts } from './redis-stats.ts'

const USERS = 8
const COLLECTIONS = 20
const LEAST_TURNS = 40

/** A user whose calls run on one replica while their pages come from another. */
interface Person {
  readonly name: string
  readonly browser: HttpBrowser
  readonly session: BenchSession
}

interface Samples {
  readonly wakes: number[]
  readonly refusals: number[]
}

/**
 * Three replicas behind nginx with Redis and OpenBao: from sending a form to the tool's answer on another replica, from sending a
 * revocation to the first call that another replica refuses although it had the value in its cache, and what a collection asks of Redis.
 */
export async function replicaMeasures({ seconds }: { readonly seconds: number }): Promise<Measure[]> {
  await bringPython()
  const redis = await startRedisNode()
  const names = Array.from({ length: USERS + COLLECTIONS }, (_, index) => `user-${String(index).padStart(2, '0')}`)
  const fleet = await startFleet({
    mode: 'sessionful',
    redis: { MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}` },
    users: names.map((account) => ({ account, name: `U${account.slice(1)}` })),
    environment: {
      MCP_PAGES_PER_MINUTE: '100000',
      MCP_LOGINS_PER_MINUTE: '100000',
      MCP_SUBMITS_PER_MINUTE: '100000',
    },
  })
  try {
    const [calls] = fleet.replicas as readonly [Replica, ...Replica[]]
    const people: Person[] = []
    for (const name of names) people.push(await personOf(fleet, name, calls))
    const { sent, inScripts } = await collections(fleet, redis, people.slice(USERS), calls)
    const { wakes, refusals } = await turns(fleet, people.slice(0, USERS), calls, seconds)
    return [
      measure('submit-to-wake-replica-p50', median(wakes), 'ms', '≤ 8'),
      measure('submit-to-wake-replica-p99', p99(wakes), 'ms', '≤ 25'),
      measure('revoke-to-refused-replica', median(refusals), 'ms', '≤ 50'),
      measure('revoke-to-refused-replica-p99', p99(refusals), 'ms', 'for orientation'),
      measure('redis-ops-per-collection', sent, '', 'sent to Redis: scripts, each one round trip'),
      measure('redis-ops-in-scripts', inScripts, '', 'for orientation'),
    ]
  } finally {
    await fleet.stop()
    await redis.remove()
  }
}

async function personOf(fleet: Fleet, name: string, replica: Replica): Promise<Person> {
  const { url } = fleet.balancer
  const token = await fleet.identityProvider.issueAccessToken(name, { expiresIn: 7200 })
  const browser = httpBrowser({ stopBefore: `${url}/credentials/jira/done` })
  await openForm(browser, `${url}/credentials`, name)
  return { name, browser, session: await openBenchSession(`${url}/mcp-${replica.port}`, token) }
}

/** A call that gives a link, and goes on when its form is saved. */
interface Waiting {
  readonly link: string
  readonly answer: Promise<string>
}

/** Resolves when the call has given its link; `undefined` if it was answered without one. */
async function waitingCall({ session }: Person): Promise<Waiting | undefined> {
  let given: (link: string) => void = () => undefined
  const link = new Promise<string>((resolve) => {
    given = resolve
  })
  const answer = session.call('read_secret', given)
  const first = await Promise.race([link, answer.then(() => undefined)])
  return first === undefined ? undefined : { link: first, answer }
}

/** Fills in the form on the replica after the one where the call waits. Resolves the milliseconds until the call's answer. */
async function save(fleet: Fleet, { browser }: Person, { link, answer }: Waiting, other: Replica): Promise<number> {
  const form = await browser.open(link)
  await fleet.balancer.nextPageFrom(other.port)
  const sent = performance.now()
  const saving = browser.press(form, 'Save', { pat: `tok-${sent}-0123456789abcdef` })
  const text = await answer
  const woken = performance.now() - sent
  if (!/characters by/.test(text)) throw new Error(`the waiting call answered: ${text}`)
  await saving
  return woken
}

/** Commands for one collection by a user who is signed in: call, form, save, result. */
async function collections(fleet: Fleet, redis: RedisNode, people: readonly Person[], calls: Replica) {
  const before = await commandCounts(redis.port)
  for (const person of people) {
    const waiting = await waitingCall(person)
    if (!waiting) throw new Error(`${person.name} was not asked for a credential`)
    await save(fleet, person, waiting, fleet.after(calls))
  }
  const after = await commandCounts(redis.port)
  const each = (count: 'sent' | 'inScripts') => (after[count] - before[count]) / people.length
  return { sent: each('sent'), inScripts: each('inScripts') }
}

/** Saves and revokes by turns, one user after another. The call that is refused waits for the next save. */
async function turns(fleet: Fleet, people: readonly Person[], calls: Replica, seconds: number): Promise<Samples> {
  const samples: Samples = { wakes: [], refusals: [] }
  const other = fleet.after(calls)
  const waits = new Map<Person, Waiting | undefined>()
  for (const person of people) waits.set(person, await waitingCall(person))
  const end = performance.now() + seconds * 1000
  for (let turn = 0; performance.now() < end || turn < LEAST_TURNS; turn += 1) {
    const person = people[turn % people.length]
    const waiting = person && waits.get(person)
    if (!person || !waiting) throw new Error('a user was not asked for a credential')
    samples.wakes.push(await save(fleet, person, waiting, other))
    const { browser } = person
    const account = await browser.open(`${fleet.balancer.url}/credentials`)
    const question = await browser.follow(account, 'Revoke Jira')
    await fleet.balancer.nextPageFrom(other.port)
    const sent = performance.now()
    const revoking = browser.press(question, 'Revoke')
    let refused = await waitingCall(person)
    while (!refused) refused = await waitingCall(person)
    samples.refusals.push(performance.now() - sent)
    waits.set(person, refused)
    await revoking
  }
  return samples
}

function p99(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length * 0.99)] ?? Number.NaN
}

function measure(name: string, value: number, unit: string, goal: string): Measure {
  return { name, value: Number(value.toPrecision(4)), unit, goal }
}
