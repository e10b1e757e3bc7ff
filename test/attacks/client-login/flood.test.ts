import { expect, onTestFinished, test } from 'vitest'
import {
  authorizationUrl,
  clientBrowser,
  loggedIn,
  postJson,
  registered,
  requestTokens,
  startClientLogin,
} from '../../harness/client-login.ts'

test('an address that asks too often is told when to come back, before anything is sealed or asked', async () => {
  const harness = await startClientLogin({ vault: { rateLimits: { pagesPerMinute: 30 } } })
  onTestFinished(() => harness.close())
  const { grant } = await loggedIn(harness)
  const url = `${harness.baseUrl}/credentials/register`
  const flood = () => postJson(url, { redirect_uris: ['http://127.0.0.1/callback'] })
  const answers = await Promise.all(Array.from({ length: 30 }, flood))
  expect(answers.some(({ status }) => status === 429)).toBe(true)
  const asked = harness.provider.requestsFor('/token')
  const { status, body, headers } = await requestTokens(harness, grant)
  expect([status, body['error']]).toEqual([429, 'temporarily_unavailable'])
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  expect(harness.provider.requestsFor('/token')).toBe(asked)
})

test('a stranger who agrees over and over fills no log', async () => {
  const harness = await startClientLogin({
    vault: { rateLimits: { pagesPerMinute: 100_000, loginsPerMinute: 100_000 } },
  })
  onTestFinished(() => harness.close())
  const browser = clientBrowser()
  const url = authorizationUrl(harness, { client_id: await registered(harness) })
  const consent = await browser.open(url)
  for (let times = 0; times < 80; times += 1) await browser.press(consent, 'Continue')
  expect(harness.audit.events.filter(({ type }) => type === 'client.approved')).toHaveLength(60)
  await harness.vault.close()
  expect(harness.audit.events.find(({ type }) => type === 'refusals.counted')).toMatchObject({ count: 20 })
})
