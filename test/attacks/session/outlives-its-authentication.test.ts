import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { browserOf } from '../../harness/browser/test-browser.ts'
import { continueLink, csrfOf, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
const at = (now: number) => vi.useFakeTimers({ now, toFake: ['Date'] })
const minutes = (count: number) => count * 60_000

beforeAll(async () => {
  server = await startFormServer({
    linkTtlSeconds: 86_400,
    options: { sessionIdleSeconds: 3600, sessionMaxSeconds: 7200 },
    oidc: { maxAuthAgeSeconds: 600 },
  })
})
afterAll(() => server.close())
afterEach(() => vi.useRealTimers())

test('maxAuthAgeSeconds ends the right to open and to send the form, and the link stays good', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const start = Date.now()
  at(start + minutes(10))
  const page = (await alice.get(link.entry)).text
  expect(headingOf(page)).toBe('Connect Jira')

  at(start + minutes(11))
  expect(headingOf((await alice.get(link.entry)).text)).toBe('Sign in to continue')
  const sent = await alice.post(link.submit, { 'csrf-token': csrfOf(page, link), ...GOOD_VALUES })
  expect(sent.status).toBe(401)
  expect(await server.stored('alice')).toBe('absent')

  await alice.signIn('alice', link)
  expect((await alice.submit(link, GOOD_VALUES)).status).toBe(303)
})

test('what counts is when the person proved who they are, and not when this session began', async () => {
  const link = await server.ask('bob')
  const browser = browserOf()
  const start = Date.now()

  async function signIn(): Promise<string> {
    const visitor = visitorOf(server)
    const begun = await visitor.post('/credentials/login', { provider: 'jira', t: link.request.handle })
    const callback = await server.provider?.signIn(continueLink(begun.text), 'bob', browser)
    await visitor.get(`${callback?.pathname}${callback?.search}`)
    const later = async () => headingOf((await visitor.get(link.entry)).text)
    expect(await later()).toBe('Connect Jira')
    at(start + minutes(11))
    return later()
  }

  await signIn()
  at(start + minutes(8))
  // The identity provider still knows this browser, and asks nothing again.
  expect(await signIn()).toBe('Sign in to continue')
})
