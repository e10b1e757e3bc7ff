import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { fillIn, linkIn, openForm } from '../harness/mcp-harness.ts'
import { ACCEPTED, type HarnessV2, KEY, rawLeg, startHarnessV2 } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const ANSWER = { text: `a secret of ${SECRET.length} characters`, isError: false }

let harness: HarnessV2
beforeAll(async () => {
  harness = await startHarnessV2({ jira: { tokenTimeoutSeconds: 100 } })
})
afterEach(async () => {
  await Promise.all(filling.splice(0))
  await harness.forget('alice')
})
afterAll(() => harness.close())

const filling: Promise<unknown>[] = []
const fill = (link: string) => fillIn(link, 'alice', { pat: SECRET })

/** Consents at once, while the user opens the link and types. */
function whileFilling(link: string): 'accept' {
  filling.push(fill(link))
  return 'accept'
}

const linesOf = (type: string) => harness.audit.events.filter((event) => event.type === type)
const token = () => harness.identityProvider.issueAccessToken('alice', {})
const url = () => `${harness.baseUrl}/mcp`

test.each(['modern', 'auto', 'legacy'] as const)(
  'a client in mode %s is asked, and has its result; the second call asks nothing',
  async (era) => {
    const alice = await harness.connectV2('alice', { era, onLink: whileFilling })
    expect(alice.client.getNegotiatedProtocolVersion()).toBe(era === 'legacy' ? '2025-11-25' : '2026-07-28')
    expect(await alice.text()).toEqual(ANSWER)
    expect(alice.links).toHaveLength(1)
    expect(await alice.text()).toEqual(ANSWER)
    expect(alice.links).toHaveLength(1)
  },
)

test('a client of SDK 1.x is served on the same path', async () => {
  const alice = await harness.connect('alice', { onLink: whileFilling })
  expect(await alice.text()).toEqual(ANSWER)
  expect(alice.completed).toEqual(alice.elicitationIds)
})

test('a collection is one line in the audit log, and all legs have its correlation id', async () => {
  const before = harness.audit.events.length
  const alice = await harness.connectV2('alice', { onLink: whileFilling })
  expect(await alice.text('echo_length', { times: 2 })).toMatchObject({ isError: false })
  const lines = harness.audit.events.slice(before)
  const requested = lines.filter(({ type }) => type === 'credential.requested')
  expect(requested).toHaveLength(1)
  expect(requested[0]).toMatchObject({ tool: 'echo_length', clientName: 'Test Client' })
  const resolved = lines.findLast(({ type }) => type === 'credential.resolved')
  expect(resolved?.correlationId).toBe(requested[0]?.correlationId)
})

test('a user who takes longer than one leg is asked once, and the state names the round', async () => {
  const bearer = await token()
  const asked = await rawLeg(url(), bearer)
  const link = asked.result?.inputRequests?.[KEY]?.params.url ?? ''
  // Answered without a wait, so that the test need not hold for as long as a user.
  const fast = await rawLeg(url(), bearer, { tool: 'fail_fast' })
  const next = await rawLeg(url(), bearer, {
    ...{ tool: 'fail_fast', requestState: fast.result?.requestState, inputResponses: ACCEPTED },
  })
  expect(next.result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
  expect(next.result?.inputRequests).toBeUndefined()
  const last = await rawLeg(url(), bearer, { tool: 'fail_fast', requestState: next.result?.requestState })
  expect(last.result).toMatchObject({ isError: true })
  expect(linkIn(last.result?.content?.[0]?.text ?? '')).toBe(link)
  await fill(link)
  const done = await rawLeg(url(), bearer, { tool: 'fail_fast', requestState: next.result?.requestState })
  expect(done.result?.content?.[0]?.text).toBe(ANSWER.text)
})

test('declining ends the link with a text, and the next call asks anew', async () => {
  const alice = await harness.connectV2('alice', { onLink: () => 'decline' })
  expect(await alice.text()).toMatchObject({ text: expect.stringContaining('declined'), isError: true })
  await alice.text()
  expect(new Set(alice.links).size).toBe(2)
})

test('dismissing answers with the link, which still works', async () => {
  const alice = await harness.connectV2('alice', { onLink: () => 'cancel' })
  const { text, isError } = await alice.text()
  expect(isError).toBe(true)
  expect(linkIn(text)).toBe(alice.links[0])
  await fill(linkIn(text))
  expect(await alice.text()).toEqual(ANSWER)
})

test('a link that its user cancels on the form ends the call with a text, and no new link', async () => {
  const browser = httpBrowser()
  const alice = await harness.connectV2('alice', {
    onLink: async (link): Promise<'accept'> => {
      const form = await openForm(browser, link, 'alice')
      await browser.press(form, 'Cancel')
      return 'accept'
    },
  })
  const before = linesOf('credential.requested').length
  expect(await alice.text()).toMatchObject({ text: expect.stringContaining('cancelled on the form'), isError: true })
  expect(alice.links).toHaveLength(1)
  expect(linesOf('credential.requested')).toHaveLength(before + 1)
})

test('a call without an answer to the question is asked it again, in the same collection', async () => {
  const bearer = await token()
  const before = linesOf('credential.requested').length
  const asked = await rawLeg(url(), bearer)
  const again = await rawLeg(url(), bearer, { requestState: asked.result?.requestState })
  expect(again.result?.inputRequests).toEqual(asked.result?.inputRequests)
  expect(linesOf('credential.requested')).toHaveLength(before + 1)
})

test('a client without URL mode gets the link as text, and error -32021 where the tool is strict', async () => {
  const alice = await harness.connectV2('alice')
  const { text, isError } = await alice.text()
  expect(isError).toBe(true)
  const strict = await rawLeg(url(), alice.token, { tool: 'strict', capabilities: {} })
  expect(strict).toMatchObject({ status: 400, error: { code: -32_021 } })
  await fill(linkIn(text))
  expect(await alice.text()).toEqual(ANSWER)
})

test('a client that is gone ends its wait, and no longer counts as waiting', async () => {
  const bearer = await token()
  const asked = await rawLeg(url(), bearer)
  const { requestState } = asked.result ?? {}
  const openBefore = harness.openResponses()
  // One more than an owner's calls that may wait, so one of them is answered at once.
  const calls = Array.from({ length: 101 }, () => {
    const gone = new AbortController()
    const leg = rawLeg(url(), bearer, { requestState, inputResponses: ACCEPTED, signal: gone.signal })
    return { gone, ended: leg.catch(() => undefined) }
  })
  expect((await Promise.race(calls.map(({ ended }) => ended)))?.result?.isError).toBe(true)
  for (const { gone } of calls) gone.abort()
  await Promise.all(calls.map(({ ended }) => ended))
  // The server notices a moment later than the clients.
  await expect.poll(() => harness.openResponses()).toBe(openBefore)
  const waiting = rawLeg(url(), bearer, { requestState, inputResponses: ACCEPTED })
  await fill(asked.result?.inputRequests?.[KEY]?.params.url ?? '')
  expect((await waiting).result?.content?.[0]?.text).toBe(ANSWER.text)
})

test('parallel calls share one link and are all woken by one save', async () => {
  const alice = await harness.connectV2('alice', { onLink: () => 'accept' })
  const calls = [alice.text(), alice.text(), alice.text()]
  await expect.poll(() => alice.links.length).toBe(3)
  expect(new Set(alice.links).size).toBe(1)
  await fill(alice.links[0] ?? '')
  expect(await Promise.all(calls)).toEqual([ANSWER, ANSWER, ANSWER])
})

test('a waiting call whose client accepts progress has its result too', async () => {
  const bearer = await token()
  const { result } = await rawLeg(url(), bearer)
  const leg = rawLeg(url(), bearer, {
    ...{ requestState: result?.requestState, inputResponses: ACCEPTED, progressToken: 'one' },
  })
  await fill(result?.inputRequests?.[KEY]?.params.url ?? '')
  expect((await leg).result?.content?.[0]?.text).toBe(ANSWER.text)
})
