import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { fillIn, type Harness, linkIn, openForm, startHarness } from '../harness/mcp-harness.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const ANSWER = { text: `a secret of ${SECRET.length} characters`, isError: false }

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({ jira: { tokenTimeoutSeconds: 100 } })
})
afterEach(async () => {
  await Promise.all(filling.splice(0))
  await harness.forget('alice')
})
afterAll(() => harness.close())

const fill = (link: string) => fillIn(link, 'alice', { pat: SECRET })

const filling: Promise<unknown>[] = []

/** Consents at once, while the user opens the link and types. */
function whileFilling(link: string): 'accept' {
  filling.push(fill(link))
  return 'accept'
}

test('the first call asks, waits and goes on; the second asks nothing', async () => {
  const alice = await harness.connect('alice', {
    onLink: whileFilling,
  })
  expect(await alice.text()).toEqual(ANSWER)
  expect(alice.links).toHaveLength(1)
  expect(alice.completed).toEqual(alice.elicitationIds)
  expect(await alice.text()).toEqual(ANSWER)
  expect(alice.links).toHaveLength(1)
})

test('a client that answers only when its user is done is served as well', async () => {
  const alice = await harness.connect('alice', {
    onLink: async (link): Promise<'accept'> => {
      await fill(link)
      return 'accept'
    },
  })
  expect(await alice.text()).toEqual(ANSWER)
})

test('parallel calls share one request and one question, and are all woken by one save', async () => {
  const requested = () => harness.audit.events.filter(({ type }) => type === 'credential.requested').length
  const before = requested()
  const alice = await harness.connect('alice', { onLink: () => 'accept' })
  const calls = [alice.text(), alice.text(), alice.text()]
  await expect.poll(requested).toBe(before + 3)
  await expect.poll(() => alice.links.length).toBe(1)
  await fill(alice.links[0] ?? '')
  expect(await Promise.all(calls)).toEqual([ANSWER, ANSWER, ANSWER])
  expect(alice.links).toHaveLength(1)
  expect(alice.completed).toEqual(alice.elicitationIds)
})

test("another client of the same user is woken too, and is not told of the first one's elicitation", async () => {
  const first = await harness.connect('alice', { onLink: () => 'accept', clientId: 'first' })
  const second = await harness.connect('alice', { onLink: () => 'accept', clientId: 'second' })
  const calls = [first.text(), second.text()]
  await expect.poll(() => first.links.length + second.links.length).toBe(2)
  expect(first.links[0]).not.toBe(second.links[0])
  await fill(first.links[0] ?? '')
  expect(await Promise.all(calls)).toEqual([ANSWER, ANSWER])
  expect(first.completed).toEqual(first.elicitationIds)
  expect(second.completed).toEqual(second.elicitationIds)
})

test('declining ends the request, and the next call asks anew', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'decline' })
  expect(await alice.text()).toMatchObject({ text: expect.stringContaining('declined'), isError: true })
  await alice.text()
  expect(new Set(alice.links).size).toBe(2)
})

test('declining one of two calls leaves the other its link', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'accept' })
  // Calls of one connection share the question, so this is the same client's other connection.
  const declining = await harness.connect('alice', { onLink: () => 'decline' })
  const waiting = alice.text()
  await expect.poll(() => alice.links.length).toBe(1)
  expect((await declining.text()).text).toContain('declined')
  await fill(alice.links[0] ?? '')
  expect(await waiting).toEqual(ANSWER)
})

test('dismissing answers with the link, which still works', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'cancel' })
  const { text, isError } = await alice.text()
  expect(isError).toBe(true)
  expect(linkIn(text)).toBe(alice.links[0])
  await fill(linkIn(text))
  expect(await alice.text()).toEqual(ANSWER)
})

test('a client that cannot show the question still gives its user the link', async () => {
  const alice = await harness.connect('alice', {
    onLink: () => {
      throw new Error('no browser here')
    },
  })
  const { text, isError } = await alice.text()
  expect(isError).toBe(true)
  await fill(linkIn(text))
  expect(await alice.text()).toEqual(ANSWER)
})

test('cancel on the form ends the call', async () => {
  const browser = httpBrowser()
  const alice = await harness.connect('alice', {
    onLink: (link) => {
      filling.push(openForm(browser, link, 'alice').then((form) => browser.press(form, 'Cancel')))
      return 'accept'
    },
  })
  expect(await alice.text()).toMatchObject({ text: expect.stringContaining('cancelled on the form'), isError: true })
})

test('a call that times out while the user types: the next one gets the result without another question', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'accept' })
  // The SDK's client does the same when its own time is over.
  const time = new AbortController()
  const call = alice.call('read_secret', { signal: time.signal })
  await expect.poll(() => alice.links.length).toBe(1)
  time.abort(new Error('timed out'))
  await expect(call).rejects.toThrow('timed out')
  await fill(alice.links[0] ?? '')
  expect(await alice.text()).toEqual(ANSWER)
  expect(alice.links).toHaveLength(1)
})

test('a client that goes away leaves the link for its next call', async () => {
  const gone = await harness.connect('alice', { onLink: () => 'accept' })
  const lost = gone.call().catch(() => 'lost')
  await expect.poll(() => gone.links.length).toBe(1)
  await gone.client.close()
  expect(await lost).toBe('lost')
  const back = await harness.connect('alice', { onLink: () => 'accept' })
  const call = back.text()
  await expect.poll(() => back.links.length).toBe(1)
  expect(back.links).toEqual(gone.links)
  await fill(back.links[0] ?? '')
  expect(await call).toEqual(ANSWER)
})

test("progress keeps the client's own timer alive while the user types", async () => {
  const alice = await harness.connect('alice', { onLink: () => 'accept' })
  const heard: unknown[] = []
  const call = alice.text('read_secret', {
    timeout: 20_000,
    resetTimeoutOnProgress: true,
    onprogress: (progress) => heard.push(progress),
  })
  await expect.poll(() => alice.links.length).toBe(1)
  // One comes every ten seconds, so the third comes after the client's own time.
  await expect.poll(() => heard.length).toBe(3)
  await fill(alice.links[0] ?? '')
  expect(await call).toEqual(ANSWER)
})

test('without progress the call answers in words with the link before the client gives up, and asks nothing twice', async () => {
  const short = await startHarness({ jira: { tokenTimeoutSeconds: 1 } })
  try {
    const alice = await short.connect('alice', { onLink: () => 'accept' })
    const { text, isError } = await alice.text()
    expect(isError).toBe(true)
    expect(linkIn(text)).toBe(alice.links[0])
    await fill(linkIn(text))
    expect(await alice.text()).toEqual(ANSWER)
    expect(alice.links).toHaveLength(1)
  } finally {
    await short.close()
  }
})

test('a revoked credential asks again and says that it was revoked', async () => {
  const alice = await harness.connect('alice', {
    onLink: whileFilling,
  })
  await alice.text()
  await harness.jira.invalidateCredentials(harness.owner('alice'))
  const plain = await harness.connect('alice')
  expect((await plain.text()).text).toContain('was revoked')
  expect(await alice.text()).toEqual(ANSWER)
  expect(alice.links).toHaveLength(2)
})
