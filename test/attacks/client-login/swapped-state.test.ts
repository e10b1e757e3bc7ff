import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HttpBrowser, Page } from '../../../examples/tickets/http-browser.ts'
import { textOf } from '../../../examples/tickets/http-browser.ts'
import { browserOf } from '../../harness/browser/test-browser.ts'
import {
  authorizationUrl,
  type ClientLoginHarness,
  clientBrowser,
  REDIRECT_URI,
  refusals,
  registered,
  startClientLogin,
} from '../../harness/client-login.ts'

// A stranger brings the answer of one login under the state of another, or makes a state of their own.
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

interface Started {
  readonly leaving: Page
  readonly state: string
  readonly asked: string
}

async function start(browser: HttpBrowser): Promise<Started> {
  const clientId = await registered(harness)
  const consent = await browser.open(authorizationUrl(harness, { client_id: clientId }))
  const leaving = await browser.press(consent, 'Continue')
  const state = new URL(linkOf(leaving)).searchParams.get('state') ?? ''
  return { leaving, state, asked: /name="request" value="([^"]+)"/.exec(consent.html)?.[1] ?? '' }
}

function linkOf({ html }: Page): string {
  return (/class="button primary" href="([^"]+)"/.exec(html)?.[1] ?? '')
    .replaceAll('&amp;', '&')
    .replaceAll('&#38;', '&')
}

async function callback(browser: HttpBrowser, state: string): Promise<Page> {
  const query = new URLSearchParams({ code: 'a-code', state, iss: harness.provider.issuer })
  return browser.open(`${harness.baseUrl}/credentials/callback?${query}`)
}

function expectRefused(page: Page): void {
  expect(page.status).toBe(400)
  expect(textOf(page.html)).toContain('This sign-in cannot be finished here')
  expect(page.html).not.toContain(REDIRECT_URI)
}

test('the state of a login in another browser', async () => {
  const victim = clientBrowser()
  await start(victim)
  const { state } = await start(clientBrowser())
  expectRefused(await callback(victim, state))
  expect(refusals(harness).at(-1)).toBe('login_cookie')
})

test('a state with one bit changed, and one of another length', async () => {
  const browser = clientBrowser()
  const { state } = await start(browser)
  const at = Math.floor(state.length / 2)
  const changed = state.slice(0, at) + (state[at] === 'A' ? 'B' : 'A') + state.slice(at + 1)
  for (const forged of [changed, state.slice(0, -1), `${state}A`, '']) expectRefused(await callback(browser, forged))
})

test('the sealed request of the consent page in place of a state', async () => {
  const browser = clientBrowser()
  const { asked } = await start(browser)
  expectRefused(await callback(browser, asked))
})

test('a state in place of the sealed request of the consent page', async () => {
  const browser = clientBrowser()
  const clientId = await registered(harness)
  const consent = await browser.open(authorizationUrl(harness, { client_id: clientId }))
  const { state } = await start(browser)
  const page = await browser.press(consent, 'Continue', { request: state })
  expect(page.status).toBe(403)
})

test('two states, or two answers, in one callback', async () => {
  const browser = clientBrowser()
  const { state } = await start(browser)
  const { state: other } = await start(browser)
  const query = new URLSearchParams({ code: 'a-code', state, iss: harness.provider.issuer })
  const at = `${harness.baseUrl}/credentials/callback?${query}`
  expectRefused(await browser.open(`${at}&state=${other}`))
  const twice = await browser.open(`${at}&code=another`)
  expect(twice.status).toBe(400)
  expect(twice.html).not.toContain(REDIRECT_URI)
})

test('a state is worthless once its login is over', async () => {
  const browser = clientBrowser()
  const { leaving, state } = await start(browser)
  const signIn = await browser.open(linkOf(leaving))
  const back = await browser.press(signIn, 'Continue as Alice')
  expect(back.html).toContain(REDIRECT_URI)
  expectRefused(await callback(browser, state))
})

test("the state of a sign-in to our own pages stays the pages' own", async () => {
  const browser = browserOf()
  const body = new URLSearchParams({ to: 'account' })
  const headers = { origin: harness.baseUrl, 'sec-fetch-site': 'same-origin' }
  const leaving = await browser.fetch(`${harness.baseUrl}/credentials/login`, { method: 'POST', body, headers })
  const html = await leaving.text()
  const answer = await harness.provider.signIn(linkOf({ url: '', status: 200, html }), 'alice', browser)
  const done = await browser.fetch(answer.href)
  expect(done.status).toBe(303)
  expect(done.headers.get('location')).toBe(`${harness.baseUrl}/credentials`)
})
