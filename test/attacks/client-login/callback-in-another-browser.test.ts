import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpBrowser, textOf } from '../../../examples/tickets/http-browser.ts'
import {
  authorizationUrl,
  type ClientLoginHarness,
  clientBrowser,
  REDIRECT_URI,
  refusals,
  registered,
  startClientLogin,
} from '../../harness/client-login.ts'

// An attacker agrees and signs in as themselves, and has the victim's browser finish the login: the victim's client would then work in the
// attacker's name. Or the other way round: the victim signs in, and the attacker brings the answer.
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test('an answer is good in the browser that agreed, and in no other', async () => {
  const callback = `${harness.baseUrl}/credentials/callback`
  const browser = httpBrowser({ stopBefore: callback })
  const clientId = await registered(harness)
  const consent = await browser.open(authorizationUrl(harness, { client_id: clientId }))
  const signIn = await browser.follow(await browser.press(consent, 'Continue'), 'Continue')
  const { url } = await browser.press(signIn, 'Continue as Alice')
  expect(url.startsWith(`${callback}?code=`)).toBe(true)

  for (const other of [clientBrowser(), await withALoginOfItsOwn(clientId)]) {
    const page = await other.open(url)
    expect(page.status).toBe(400)
    expect(textOf(page.html)).toContain('This sign-in cannot be finished here')
    expect(page.html).not.toContain(REDIRECT_URI)
    expect(refusals(harness).at(-1)).toBe('login_cookie')
  }
})

async function withALoginOfItsOwn(clientId: string) {
  const browser = clientBrowser()
  await browser.press(await browser.open(authorizationUrl(harness, { client_id: clientId })), 'Continue')
  return browser
}
