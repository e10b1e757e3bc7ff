import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa, { type Middleware } from 'koa'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { UpstreamOptions } from '../../src/proxy/config/upstream-options.ts'
import { createProxy } from '../../src/server/proxy/create-proxy.ts'
import type { CredentialVault } from '../../src/vault/credential-vault.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import type { FormServer } from '../harness/browser/form-server.ts'
import { launchChromium } from './chromium.ts'
import { watchedPage } from './watched-page.ts'

let browser: Browser
let server: Server
let vault: CredentialVault
let baseUrl: URL

beforeAll(async () => {
  browser = await launchChromium()
  const app = new Koa()
  server = createServer((request, response) => void app.callback()(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseUrl = new URL(`http://localhost:${(server.address() as AddressInfo).port}`)
  vault = await openVault({
    serverBaseUrl: baseUrl,
    backend: memoryBackend(),
    audit: memoryAudit(),
    warn: () => undefined,
  })
  vault.register(app)
  const upstreams = {
    gitlab: entry('GitLab'),
    'a-server-with-a-name-that-is-long-enough': entry('<img src=x onerror=alert(1)>'),
  }
  app.use(createProxy(vault, { upstreams }) as Middleware)
})
afterAll(async () => {
  await browser.close()
  await vault.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function entry(label: string): UpstreamOptions {
  return {
    url: 'http://127.0.0.1:9/mcp',
    label,
    catalogue: 'user',
    credential: { variables: { pat: { label: 'Token', type: 'password' } } },
    headers: { Authorization: 'Bearer {pat}' },
  }
}

const COMBINATIONS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1280, 390].map((width) => ({ colorScheme, viewport: { width, height: 844 } })),
)

describe.each(COMBINATIONS)('$colorScheme at $viewport.width pixels', (options) => {
  test('the page of a proxy has nothing that axe objects to, loads nothing else, and is not too wide', async () => {
    const watched = await watchedPage(browser, { baseUrl } as FormServer, options)
    await watched.open('/')
    const { page } = watched
    await page.getByText('VS Code').first().click()
    await page.getByText('"servers"').first().waitFor()
    expect(await watched.accessibilityProblems()).toEqual([])
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    expect(overflow).toBeLessThanOrEqual(0)
    expect(await page.locator('h2').allInnerTexts()).toEqual(['GitLab', '<img src=x onerror=alert(1)>'])
    expect([watched.troubles, [...watched.origins]]).toEqual([[], [baseUrl.origin]])
    await watched.close()
  })
})
