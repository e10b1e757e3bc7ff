import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../harness/browser/form-server.ts'
import { launchChromium } from './chromium.ts'
import { fillIn, heading, press, watchedPage } from './watched-page.ts'

let browser: Browser
let server: FormServer
const origins: (string | undefined)[] = []

/** What many companies' proxies do to every answer. */
const proxy = createServer((incoming, outgoing) => {
  if (incoming.method === 'POST') origins.push(incoming.headers.origin)
  const { method, url, headers } = incoming
  const onward = httpRequest({ host: '127.0.0.1', port: server.port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'referrer-policy': 'no-referrer' })
    answer.pipe(outgoing)
  })
  incoming.pipe(onward)
})

beforeAll(async () => {
  browser = await launchChromium()
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  server = await startFormServer({ serverBaseUrl: `http://localhost:${port}` })
})
afterAll(async () => {
  await browser.close()
  proxy.closeAllConnections()
  await new Promise((resolve) => proxy.close(resolve))
  await server.close()
})

test('behind a proxy that sets Referrer-Policy: no-referrer, people sign in, save and sign out', async () => {
  const watched = await watchedPage(browser, server)
  const { page } = watched
  const link = await server.ask('alice')
  await watched.open(link.entry)
  await watched.signIn('Alice')
  await fillIn(page, GOOD_VALUES)
  await press(page, 'Save credential')
  await page.waitForURL('**/done*')
  expect(await heading(page)).toBe('Jira is connected')
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  await press(page, 'Sign out')
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  expect(watched.troubles).toEqual([])
  // The proof that this proxy does what the test is about.
  expect(new Set(origins)).toEqual(new Set(['null']))
  await watched.close()
})
