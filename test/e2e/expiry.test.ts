import { afterEach, expect, onTestFinished, test } from 'vitest'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { fillIn, type Harness, type HarnessOptions, linkIn, startHarness } from '../harness/mcp-harness.ts'

const DAY = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * DAY)
const dateIn = (days: number) => inDays(days).toISOString().slice(0, 10)

let serviceSays: Date | undefined

async function started(jira: HarnessOptions['jira'], more: Partial<HarnessOptions> = {}): Promise<Harness> {
  const harness = await startHarness({
    ...more,
    jira: { ...jira, verify: async () => ({ ok: true, ...(serviceSays && { expiresAt: serviceSays }) }) },
  })
  onTestFinished(() => harness.close())
  return harness
}

afterEach(() => {
  serviceSays = undefined
})

async function labelsOf(harness: Harness, user = 'alice') {
  const call = { signal: new AbortController().signal, correlationId: 'look' }
  const found = await harness.backend.stat(storageKey('jira', harness.owner(user)), call)
  return found.status === 'active' ? found.labels : undefined
}

/** Enters a token and returns a client whose next call finds it. */
async function connected(harness: Harness, fields: Record<string, string> = { pat: 'tok-1' }, user = 'alice') {
  const client = await harness.connect(user)
  await fillIn(linkIn((await client.text('read_secret')).text), user, fields)
  return client
}

test('the date that the service tells is kept, and the user is told once a day when it comes near', async () => {
  serviceSays = inDays(9)
  const harness = await started({})
  const alice = await connected(harness)
  expect((await labelsOf(harness))?.expiresAt).toEqual(serviceSays)
  const { text, isError } = await alice.text('read_secret')
  expect(isError).toBe(false)
  expect(text).toContain(
    `Your Jira credential expires on ${dateIn(9)}. Replace it before then: ${harness.baseUrl}/credentials`,
  )
  expect((await alice.text('read_secret')).text).not.toContain('expires on')
  const other = await harness.connect('alice')
  expect((await other.text('read_secret')).text).not.toContain('expires on')
})

test('a token that ends at midnight is said to expire on the day before, the last on which it works', async () => {
  serviceSays = new Date(`${dateIn(9)}T00:00:00Z`)
  const alice = await connected(await started({}))
  expect((await alice.text('read_secret')).text).toContain(`Your Jira credential expires on ${dateIn(8)}.`)
})

test('on the last day it is said that today is the last', async () => {
  serviceSays = new Date(`${dateIn(1)}T00:00:00Z`)
  const alice = await connected(await started({}))
  expect((await alice.text('read_secret')).text).toContain(
    `Today, ${dateIn(0)}, is the last day of your Jira credential. Replace it now: http`,
  )
})

test.each([
  ['further ahead than the option says', 15, {}],
  ['with the option at 0', 1, { expiryNoticeDays: 0 }],
])('nothing is said %s', async (_, days, more) => {
  serviceSays = inDays(days)
  const harness = await started({}, more)
  const alice = await connected(harness)
  expect((await alice.text('read_secret')).text).not.toContain('expires on')
})

test('an expired credential is asked for in its own words, before the handler runs', async () => {
  serviceSays = new Date(Date.now() + 1500)
  const harness = await started({})
  const alice = await connected(harness)
  await expect.poll(async () => (await alice.text('read_secret')).text).toContain('Your Jira credential has expired.')
  expect(harness.audit.events.filter(({ type }) => type === 'credential.requested').at(-1)).toMatchObject({
    reason: 'expired',
  })
  serviceSays = inDays(40)
  await fillIn(linkIn((await alice.text('read_secret')).text), 'alice', { pat: 'tok-2' })
  expect((await alice.text('read_secret')).isError).toBe(false)
})

test('the form asks for the date where the provider says so, and keeps it', async () => {
  const harness = await started({ expiry: 'required' })
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('read_secret')).text)
  const missing = await fillIn(link, 'alice', { pat: 'tok-1' })
  expect(missing.html).toContain('Expires on: enter the date.')
  const past = await fillIn(link, 'alice', { pat: 'tok-1', 'expires-on': dateIn(-3) })
  expect(past.html).toContain('this day has passed')
  expect(past.html).toContain(`value="${dateIn(-3)}"`)
  await fillIn(link, 'alice', { pat: 'tok-1', 'expires-on': dateIn(5) })
  expect((await labelsOf(harness))?.expiresAt?.toISOString()).toBe(`${dateIn(5)}T23:59:59.000Z`)
  expect((await alice.text('read_secret')).text).toContain(`expires on ${dateIn(5)}`)
})

test('a longest life holds whatever the user and the service say', async () => {
  serviceSays = inDays(400)
  const harness = await started({ expiry: 'optional', maxAgeDays: 30 })
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('read_secret')).text)
  const tooFar = await fillIn(link, 'alice', { pat: 'tok-1', 'expires-on': dateIn(60) })
  expect(tooFar.html).toContain('accepts credentials for at most 30 days')
  await fillIn(link, 'alice', { pat: 'tok-1' })
  const end = (await labelsOf(harness))?.expiresAt?.getTime() ?? 0
  expect(Math.round((end - Date.now()) / DAY)).toBe(30)
})

test('a form that asks for no date refuses one', async () => {
  const harness = await started({})
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('read_secret')).text)
  await fillIn(link, 'alice', { pat: 'tok-1', 'expires-on': dateIn(5) })
  expect(await labelsOf(harness)).toBeUndefined()
})
