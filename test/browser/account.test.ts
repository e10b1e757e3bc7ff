import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Verification } from '../../src/core/ports/form-provider.ts'
import { type AccountServer, MANAGE_URL, startAccountServer } from '../harness/browser/account-server.ts'
import { GOOD_VALUES, PAT } from '../harness/browser/form-server.ts'
import { launchChromium } from './chromium.ts'
import { fillIn, heading, press, signedInPage, type WatchedPage } from './watched-page.ts'

let browser: Browser
let server: AccountServer
let watched: WatchedPage
let verdict: Verification

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())
beforeEach(async () => {
  verdict = { ok: true, accountName: 'alice@acme.example' }
  server = await startAccountServer({ provider: { verify: async () => verdict }, lastUsed: () => new Date() })
  await server.fill('alice')
})
afterEach(async () => {
  expect(watched.troubles).toEqual([])
  await watched.close()
  await server.close()
})

async function open(options: Parameters<typeof signedInPage>[2] = {}): Promise<WatchedPage['page']> {
  watched = await signedInPage(browser, server, options)
  return watched.page
}

const COMBINATIONS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1280, 390].map((width) => ({ colorScheme, viewport: { width, height: 844 } })),
)

test.each(COMBINATIONS)(
  'every state and page is accessible in $colorScheme at $viewport.width pixels, and asks no other server',
  async (options) => {
    const page = await open(options)
    const check = async (name: string) => {
      expect(await watched.accessibilityProblems(), name).toEqual([])
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
      expect(overflow, `${name} is wider than the window`).toBeLessThanOrEqual(0)
    }
    await check('list')
    await press(page, 'Test Jira')
    await page.locator('.notice.success').waitFor()
    await check('list after a good test')
    verdict = { ok: false, problem: 'Jira does not know this token.' }
    await press(page, 'Test Jira')
    await page.locator('.notice.error').waitFor()
    await check('list after a refusal')
    await page.getByRole('link', { name: 'Revoke Jira', exact: true }).click()
    await check('confirmation')
    await press(page, 'Revoke Jira')
    await check('revoked')
    await watched.open('/credentials/nothing/revoke')
    await check('service that is not served')
    await watched.open('/credentials')
    await press(page, 'Sign out everywhere')
    await check('signed out everywhere')
    expect([...watched.origins].sort()).toEqual([server.issuer, server.baseUrl.origin].sort())
  },
)

const ROWS = [
  ['Jira', 'Connected', ['Test', 'Replace', 'Revoke']],
  ['GitHub', 'Saved, but not checked', ['Test', 'Replace', 'Revoke']],
  ['Notion', 'Not connected', ['Connect']],
  ['GitLab', 'Rejected by GitLab', ['Replace', 'Use it again', 'Revoke']],
  ['Sentry', 'Expired', ['Replace', 'Revoke']],
  ['Confluence', 'Needs one more field', ['Replace', 'Revoke']],
  ['Linear', 'Revoked', ['Connect']],
  ['Datadog', 'Cannot be reached right now', ['Revoke']],
  ['PagerDuty', 'Cannot be shown', ['Revoke']],
] as const

describe.each([
  ['with scripts', true],
  ['without scripts', false],
])('%s', (_name, javaScriptEnabled) => {
  test('a credential is tested, refused, put back in use, replaced and revoked', async () => {
    const page = await open({ javaScriptEnabled })
    const row = page.locator('li.credential').filter({ has: page.getByRole('heading', { name: 'Jira', exact: true }) })
    const state = () => row.locator('.state').textContent()
    expect(await state()).toBe('Connected')

    verdict = { ok: false, problem: 'Jira does not know this token.' }
    await press(page, 'Test Jira')
    await page.getByRole('alert').getByText('Jira does not know this token.').waitFor()
    expect(await page.title()).toBe('Error: Jira does not accept your credential – Acme Tools')
    expect(await state()).toBe('Rejected by Jira')

    await press(page, 'Use it again Jira')
    await page.getByRole('status').getByText('Your Jira credential is in use again').waitFor()
    expect(await state()).toBe('Connected')

    verdict = { ok: true, accountName: 'alice-2@acme.example' }
    await press(page, 'Replace Jira')
    await page.waitForURL('**/entry*')
    await fillIn(page, { site: GOOD_VALUES.site, pat: 'a-new-token' })
    await press(page, 'Save credential')
    await page.waitForURL('**/done*')
    expect(await heading(page)).toBe('Jira is connected')
    await page.locator('.actions').getByRole('link', { name: 'Your credentials' }).click()
    expect(await row.textContent()).toContain('alice-2@acme.example')

    await page.getByRole('link', { name: 'Revoke Jira', exact: true }).click()
    await page.getByRole('link', { name: 'Keep it' }).click()
    expect(await state()).toBe('Connected')
    await page.getByRole('link', { name: 'Revoke Jira', exact: true }).click()
    await press(page, 'Revoke Jira')
    expect(await page.getByRole('link', { name: 'Delete it at Jira' }).getAttribute('href')).toBe(MANAGE_URL)
    expect(await server.stored('alice')).toBe('absent')
  })

  test('each state is shown in its own words, with its buttons', async () => {
    const page = await open({ javaScriptEnabled })
    for (const [service, state, buttons] of ROWS) {
      const row = page
        .locator('li.credential')
        .filter({ has: page.getByRole('heading', { name: service, exact: true }) })
      expect(await row.locator('.state').textContent()).toBe(state)
      expect(await row.locator('.button').count(), service).toBe(buttons.length)
      for (const button of buttons) {
        expect(
          await row
            .locator('.button')
            .filter({ hasText: new RegExp(`^${button} ${service}$`) })
            .count(),
        ).toBe(1)
      }
    }
    expect(await page.content()).not.toContain(PAT)
  })
})

test('by keyboard alone: the order is that of the page, and the focus goes to the result', async () => {
  const page = await open()
  const focused = () =>
    page.evaluate<string>("document.activeElement.textContent.replace(/\\s+/g, ' ').trim().slice(0, 60)")
  const seen: string[] = []
  for (let times = 0; times < 24; times += 1) {
    await page.keyboard.press('Tab')
    seen.push(await focused())
    if (seen.at(-1) === 'Sign out everywhere') break
  }
  expect(seen).toEqual([
    'Sign out',
    'Replace Confluence',
    'Revoke Confluence',
    'Revoke Datadog',
    'Test GitHub',
    'Replace GitHub',
    'Revoke GitHub',
    'Replace GitLab',
    'Use it again GitLab',
    'Revoke GitLab',
    'Test Jira',
    'Replace Jira',
    'Revoke Jira',
    'Connect Linear',
    'Connect Notion',
    'Revoke PagerDuty',
    'Replace Sentry',
    'Revoke Sentry',
    'Sign out',
    'Sign out everywhere',
  ])
  const goTo = async (text: string) => {
    for (let times = 0; times < 30 && (await focused()) !== text; times += 1) await page.keyboard.press('Tab')
    expect(await focused()).toBe(text)
  }
  await page.reload()
  await goTo('Use it again GitLab')
  await page.keyboard.press('Enter')
  await page.locator('#notice').waitFor()
  await expect.poll(focused).toMatch(/^Your GitLab credential is in use again/)

  await goTo('Revoke Jira')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/revoke')
  const order: string[] = []
  for (let times = 0; times < 4; times += 1) {
    await page.keyboard.press('Tab')
    order.push(await focused())
  }
  expect(order).toEqual(['Sign out', 'Revoke Jira', 'Keep it', 'Your credentials'])
  await goTo('Revoke Jira')
  await page.keyboard.press('Space')
  await page.getByRole('heading', { name: 'Your Jira credential is revoked' }).waitFor()
  expect(await server.stored('alice')).toBe('absent')
})
