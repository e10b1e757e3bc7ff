import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../../browser/chromium.ts'
import { watchedPage } from '../../browser/watched-page.ts'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

let browser: Browser
let server: FormServer
let attacker: Server

beforeAll(async () => {
  browser = await launchChromium()
  server = await startFormServer()
})
afterAll(async () => {
  await browser.close()
  await server.close()
  attacker.close()
})

test('a page of another site cannot show the form in a frame, nor reach its window', async () => {
  const link = await server.ask('alice')
  const address = server.baseUrl.origin + link.entry
  attacker = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(
      `<iframe src="${address}"></iframe><object data="${address}"></object><embed src="${address}"><a href="${address}" target="victim">x</a>`,
    )
  })
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
  const { port } = attacker.address() as AddressInfo

  const watched = await watchedPage(browser, server)
  const { page } = watched
  await watched.open(link.entry)
  await watched.signIn('Alice')
  const own = await page.context().newPage()
  await own.goto(`http://localhost:${port}/`)
  for (const frame of own.frames().slice(1)) {
    const text = await frame.evaluate<string>('document.body.textContent').catch(() => '')
    expect(text).not.toContain('Connect Jira')
    expect(text).not.toContain('Sign in')
  }
  const opened = own.context().waitForEvent('page')
  await own.evaluate(`globalThis.victim = open(${JSON.stringify(address)}), undefined`)
  await (await opened).getByRole('heading', { name: 'Connect Jira' }).waitFor()
  // Another site's opener is cut off, so it can neither watch the window nor send it elsewhere.
  await expect.poll(() => own.evaluate('victim.closed')).toBe(true)
  await watched.close()
})

test('every way to embed a page is forbidden by its headers, whoever asks', async () => {
  const link = await server.ask('bob')
  const bob = visitorOf(server)
  for (const path of [link.entry, '/credentials/callback?state=x', '/credentials/nothing']) {
    const { headers } = await bob.get(path)
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['cross-origin-opener-policy']).toBe('same-origin')
  }
  for (const destination of ['iframe', 'frame', 'object', 'embed']) {
    expect((await bob.get(link.entry, { 'sec-fetch-dest': destination })).status).toBe(403)
  }
})
