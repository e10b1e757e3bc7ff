import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { valuesOf } from '../../src/testing/secret-backend/calls.ts'
import { ACCOUNTS, type AccountsServer, startAccountsServer, TOKEN } from '../harness/browser/accounts-server.ts'
import { type OpenBao, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { launchChromium } from './chromium.ts'
import { heading, press, signedInPage, type WatchedPage } from './watched-page.ts'

const WORK = 'jira@work'
const LONG = 'jira@client-northwind-emea-production-cluster'

let browser: Browser
let bao: OpenBao
let server: AccountsServer
let watched: WatchedPage

beforeAll(async () => {
  ;[browser, bao] = await Promise.all([launchChromium(), startOpenBao()])
})
afterAll(() => Promise.all([browser.close(), bao.stop()]))
beforeEach(async () => {
  server = await startAccountsServer(bao, async () => ({ ok: true, accountName: 'alice@work.example' }))
  await server.save('alice', 'jira', { accountName: 'alice@acme.example' })
})
afterEach(async () => {
  expect(watched.troubles).toEqual([])
  await watched.close()
  await server.close()
})

async function open(options: Parameters<typeof signedInPage>[2] = {}): Promise<Page> {
  watched = await signedInPage(browser, server, options)
  return watched.page
}

const rowOf = (page: Page, label: string) =>
  page.locator('li.credential').filter({ has: page.getByRole('heading', { name: label, exact: true }) })
const stateOf = (page: Page, label: string) => rowOf(page, label).locator('.state').textContent()
const focused = (page: Page) =>
  page.evaluate<string>("document.activeElement.textContent.replace(/\\s+/g, ' ').trim().slice(0, 80)")

async function goTo(page: Page, text: string): Promise<void> {
  for (let times = 0; times < 40 && (await focused(page)) !== text; times += 1) await page.keyboard.press('Tab')
  expect(await focused(page)).toBe(text)
}

const COMBINATIONS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1280, 390].map((width) => ({ colorScheme, viewport: { width, height: 844 } })),
)

test.each(COMBINATIONS)(
  'rows and form of an account are accessible in $colorScheme at $viewport.width pixels',
  async (options) => {
    await server.save('alice', WORK)
    await server.storeUnsealed('alice', WORK)
    await server.save('alice', LONG, { accountName: 'alice@northwind.example' })
    await server.reject('alice', LONG)
    const page = await open(options)
    const check = async (name: string) => {
      expect(await watched.accessibilityProblems(), name).toEqual([])
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
      expect(overflow, `${name} is wider than the window`).toBeLessThanOrEqual(0)
    }
    await check('list')
    // The row's heading names the account once; what is said about the service names the service.
    expect(await stateOf(page, ACCOUNTS[LONG])).toBe('Rejected by Jira')
    expect(await rowOf(page, ACCOUNTS[LONG]).textContent()).toContain('Account at Jira\n')
    expect(await rowOf(page, ACCOUNTS[WORK]).textContent()).toContain('was not saved by this server')
    await page.getByRole('link', { name: `Revoke ${ACCOUNTS[LONG]}`, exact: true }).click()
    await check('confirmation')
    await watched.open('/credentials')
    await press(page, `Replace ${ACCOUNTS[LONG]}`)
    await page.waitForURL('**/entry*')
    await check('form')
    await press(page, 'Save credential')
    await page.getByRole('alert').waitFor()
    await check('form with an error')
    await page.locator('#field-pat').fill(TOKEN)
    await press(page, 'Save credential')
    await page.waitForURL('**/done*')
    await check('success')
    expect(await page.content()).not.toContain(TOKEN)
  },
)

test('by keyboard alone: one account is connected, and the other one stays as it was', async () => {
  const page = await open()
  expect(await Promise.all([stateOf(page, 'Jira'), stateOf(page, 'Jira (work)')])).toEqual([
    'Connected',
    'Not connected',
  ])
  await goTo(page, 'Connect Jira (work)')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/entry*')
  expect(await heading(page)).toBe('Connect Jira (work)')
  for (let times = 0; times < 10; times += 1) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate<string>('document.activeElement.id')) === 'field-pat') break
  }
  await page.keyboard.type(TOKEN)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/done*')
  expect(await heading(page)).toBe('Jira (work) is connected')
  await watched.open('/credentials')
  expect(await rowOf(page, 'Jira (work)').textContent()).toContain('alice@work.example')
  expect(await rowOf(page, 'Jira').textContent()).toContain('alice@acme.example')
  expect(await valuesOf(server.backend, server.keyOf('alice', WORK))).toEqual({ pat: TOKEN })
})

test('by keyboard alone: an account whose value has no seal is revoked, and connected anew', async () => {
  await server.save('alice', WORK)
  await server.storeUnsealed('alice', WORK)
  const page = await open()
  expect(await Promise.all([stateOf(page, 'Jira'), stateOf(page, 'Jira (work)')])).toEqual([
    'Connected',
    'Cannot be shown',
  ])
  expect(await rowOf(page, 'Jira (work)').locator('.button').allTextContents()).toEqual(['Revoke Jira (work)'])
  await goTo(page, 'Revoke Jira (work)')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/revoke')
  await goTo(page, 'Revoke Jira (work)')
  await page.keyboard.press('Space')
  await page.getByRole('heading', { name: 'Your Jira (work) credential is revoked' }).waitFor()
  await watched.open('/credentials')
  expect(await Promise.all([stateOf(page, 'Jira'), stateOf(page, 'Jira (work)')])).toEqual(['Connected', 'Revoked'])
  await goTo(page, 'Connect Jira (work)')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/entry*')
  await page.locator('#field-pat').fill(TOKEN)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/done*')
  expect(await valuesOf(server.backend, server.keyOf('alice', WORK))).toEqual({ pat: TOKEN })
  expect(await page.content()).not.toContain(TOKEN)
})
