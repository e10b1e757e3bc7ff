import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  authorizationUrl,
  type ClientLoginHarness,
  clientBrowser,
  postJson,
  registered,
  startClientLogin,
  walkLogin,
} from '../../harness/client-login.ts'

let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test('the longest state and redirect URI that are accepted can also be finished', async () => {
  const redirectUri = `http://127.0.0.1:8097/${'"'.repeat(970)}`
  const clientId = await registered(harness, [redirectUri], '\u{10437}'.repeat(200))
  const state = '"'.repeat(1024)
  const url = authorizationUrl(harness, { client_id: clientId, redirect_uri: redirectUri, state })
  const back = await walkLogin(url, clientBrowser('http://127.0.0.1:8097/'))
  expect(back.searchParams.get('state')).toBe(state)
  expect(back.searchParams.get('code')).not.toBeNull()
  expect(harness.problems).toEqual([])
})

test('a name that is cut is still whole characters', async () => {
  const { body } = await postJson(`${harness.baseUrl}/credentials/register`, {
    redirect_uris: ['http://127.0.0.1/'],
    client_name: `${'a'.repeat(99)}\u{1F600}`,
  })
  expect(body['client_name']).not.toMatch(/\p{Cs}/u)
})

test('a redirect URI comes back as it was registered', async () => {
  const redirectUri = 'http://127.0.0.1:8097/cb?a=%20b&c=%7E*'
  const clientId = await registered(harness, [redirectUri])
  const url = authorizationUrl(harness, { client_id: clientId, redirect_uri: redirectUri })
  const back = await walkLogin(url, clientBrowser('http://127.0.0.1:8097/cb'))
  expect(back.href.startsWith(`${redirectUri}&code=`)).toBe(true)
})

test("a client's demand that the user signs in again is not lost to a fixed parameter", async () => {
  const browser = clientBrowser()
  const url = authorizationUrl(harness, { client_id: await registered(harness), prompt: 'login' })
  const leaving = await browser.press(await browser.open(url), 'Continue')
  expect(leaving.html).toMatch(/[?&](amp;)?prompt=[^&"']*login/)
})
