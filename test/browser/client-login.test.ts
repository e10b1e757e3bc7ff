import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorizationUrl, type ClientLoginHarness, registered, startClientLogin } from '../harness/client-login.ts'
import { type HttpService, startService } from '../harness/http-service.ts'
import { launchChromium } from './chromium.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let harness: ClientLoginHarness
let browser: Browser
/** A client on the user's computer, which waits for its answer. */
let client: HttpService
beforeAll(async () => {
  harness = await startClientLogin()
  browser = await launchChromium()
  client = await startService((_request, response) => response.end('You can close this window.'))
})
afterAll(async () => {
  await browser.close()
  await client.close()
  await harness.close()
})

async function startLogin(): Promise<string> {
  const redirectUri = `${client.origin}/callback`
  const clientId = await registered(harness, [redirectUri])
  return authorizationUrl(harness, { client_id: clientId, redirect_uri: redirectUri })
}

describe.each([
  ['with JavaScript', true],
  ['without JavaScript', false],
])('Chromium %s', (_, javaScriptEnabled) => {
  test('consent, sign-in, and back to the client, with no policy of any page in the way', async () => {
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    const troubles: string[] = []
    page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()))
    await page.goto(await startLogin())
    const main = await page.locator('main').textContent()
    expect(main).toContain(new URL(client.origin).host)
    expect(main).toContain('not verified')
    await page.getByRole('button', { name: 'Continue', exact: true }).click()
    await page.getByRole('button', { name: 'Continue as Alice' }).click()
    await page.waitForURL(`${client.origin}/callback?**`)
    const answer = new URL(page.url()).searchParams
    expect(answer.get('state')).toBe('its-state')
    expect(answer.get('iss')).toBe(harness.baseUrl)
    expect(answer.get('code')).toMatch(/^[\w-]{100,}$/)
    expect(troubles.filter((text) => !text.includes('404'))).toEqual([])
    await context.close()
  })

  test('who cancels is sent back as well', async () => {
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    await page.goto(await startLogin())
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.waitForURL(`${client.origin}/callback?**`)
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
    await context.close()
  })
})

test.each(['light', 'dark'] as const)(
  '%s: the longest address and many scopes fit into 320 pixels',
  async (colorScheme) => {
    const redirectUri = `${client.origin}/${'callback'.repeat(100)}`
    const clientId = await registered(harness, [redirectUri])
    const context = await browser.newContext({ colorScheme, viewport: { width: 320, height: 640 } })
    const page = await context.newPage()
    await page.goto(authorizationUrl(harness, { client_id: clientId, redirect_uri: redirectUri }))
    const main = await page.locator('main').textContent()
    expect(main).toContain(redirectUri)
    expect(main).toContain('mcp, offline_access')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320)
    await context.close()
  },
)

test('a page of another origin cannot frame the consent page', async () => {
  const url = await startLogin()
  const framing = await startService((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<iframe src="${url.replaceAll('&', '&amp;')}"></iframe>`)
  })
  const page = await browser.newPage()
  await page.goto(framing.origin)
  await expect.poll(() => page.frames().length).toBe(2)
  const [, frame] = page.frames()
  await frame?.waitForLoadState()
  expect(await frame?.getByRole('button', { name: 'Continue' }).count()).toBe(0)
  await page.close()
  await framing.close()
})

test.each([
  ['light', 1280],
  ['dark', 390],
] as const)('axe has nothing to object to in %s at %i pixels', async (colorScheme, width) => {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 844 }, bypassCSP: true })
  const page = await context.newPage()
  await page.goto(await startLogin())
  await page.evaluate(AXE)
  const violations = await page.evaluate<{ id: string }[]>('axe.run().then(({ violations }) => violations)')
  expect(violations.map(({ id }) => id)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  await context.close()
})
