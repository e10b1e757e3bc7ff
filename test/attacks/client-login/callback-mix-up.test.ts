import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpBrowser, textOf } from '../../../examples/tickets/http-browser.ts'
import {
  authorizationUrl,
  type ClientLoginHarness,
  REDIRECT_URI,
  refusals,
  registered,
  startClientLogin,
} from '../../harness/client-login.ts'

// Another identity provider answers in place of ours (RFC 9207), with a code or an error of its own.
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

type Change = (query: URLSearchParams) => void

test.each<[string, Change]>([
  ['of another issuer', (query) => query.set('iss', 'https://evil.example.com')],
  ['of our issuer with a slash', (query) => query.set('iss', `${harness.provider.issuer}/`)],
  ['of ourselves', (query) => query.set('iss', harness.baseUrl)],
  ['without an issuer, which ours always names', (query) => query.delete('iss')],
  ['with two issuers', (query) => query.append('iss', 'https://evil.example.com')],
  [
    'with an error of another issuer',
    (query) => {
      query.delete('code')
      query.set('error', 'access_denied')
      query.set('iss', 'https://evil.example.com')
    },
  ],
])('an answer %s reaches no client', async (_, change) => {
  const callback = `${harness.baseUrl}/credentials/callback`
  const browser = httpBrowser({ stopBefore: callback })
  const clientId = await registered(harness)
  const consent = await browser.open(authorizationUrl(harness, { client_id: clientId }))
  const signIn = await browser.follow(await browser.press(consent, 'Continue'), 'Continue')
  const answer = new URL((await browser.press(signIn, 'Continue as Alice')).url)
  change(answer.searchParams)
  const page = await finish(browser, answer)
  expect(page.status).toBe(400)
  expect(textOf(page.html)).toContain('The application was told nothing')
  expect(page.html).not.toContain(REDIRECT_URI)
  expect(refusals(harness).at(-1)).toMatch(/^(?:issuer|malformed)$/)
})

/** The browser stops before every address that begins with the callback's. */
function finish(browser: ReturnType<typeof httpBrowser>, answer: URL) {
  return browser.open(answer.href.replace('/credentials/callback', '/credentials/./callback'))
}
