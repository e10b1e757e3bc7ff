import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FormServer, type Link, startFormServer } from '../harness/browser/form-server.ts'
import { launchChromium } from './chromium.ts'
import { press, type WatchedPage, watchedPage } from './watched-page.ts'

const GUIDE =
  '1. Open [API tokens](https://id.atlassian.com/tokens).\n2. Press **Create**.\n3. Copy the token.\n\n```\ncurl -u you@example.com:TOKEN https://acme.atlassian.net/rest/api/3/myself\n```'
const PHONE = { viewport: { width: 390, height: 844 } }
const DESK = { viewport: { width: 1280, height: 800 } }

let browser: Browser
let server: FormServer
let link: Link
let watched: WatchedPage

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())
beforeEach(async () => {
  server = await startFormServer({
    provider: { doc: GUIDE },
    variables: { pat: { label: 'Personal access token', type: 'password' } },
  })
  link = await server.ask('alice', { clientName: 'Claude', tool: 'create_issue' })
})
afterEach(async () => {
  expect(watched.troubles).toEqual([])
  await watched.close()
  await server.close()
})

async function openForm(options: Parameters<typeof watchedPage>[2]): Promise<Page> {
  watched = await watchedPage(browser, server, options)
  await watched.open(link.entry)
  await watched.signIn('Alice')
  return watched.page
}

/** Top and bottom of the visible one of the elements, in pixels from the top of the window. */
async function place(page: Page, selector: string): Promise<{ readonly top: number; readonly bottom: number }> {
  const box = await page.locator(selector).filter({ visible: true }).first().boundingBox()
  if (!box) throw new Error(`${selector} is not shown`)
  return { top: box.y, bottom: box.y + box.height }
}

const isOpen = async (page: Page, selector: string) => (await page.locator(selector).getAttribute('open')) !== null

test('on a phone the field and the button are in view at once, the facts are folded below them', async () => {
  const page = await openForm(PHONE)
  expect((await place(page, '#field-pat')).bottom).toBeLessThan(844)
  const button = await place(page, 'button[type=submit].primary')
  expect(button.bottom).toBeLessThan(844)
  const facts = await place(page, 'details.about')
  expect(facts.top).toBeGreaterThan(button.bottom)
  expect(await page.getByText('create_issue').filter({ visible: true }).count()).toBe(0)
  await page.locator('details.about summary').click()
  expect(await page.getByText('create_issue').filter({ visible: true }).count()).toBe(1)
  // Opening the facts may have scrolled the page.
  expect((await place(page, '.guide')).top).toBeGreaterThan((await place(page, 'button[type=submit].primary')).bottom)
  // Long lines of an open guide scroll by themselves.
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
})

test('on a phone what is wrong is in view when the form comes back', async () => {
  const page = await openForm(PHONE)
  await press(page, 'Save credential')
  await page.getByRole('alert').waitFor()
  const problems = await place(page, '#problems')
  expect(problems.top).toBeGreaterThanOrEqual(0)
  expect(problems.bottom).toBeLessThan(844)
  expect((await place(page, '#error-pat')).bottom).toBeLessThan(844)
  expect((await place(page, '#field-pat')).bottom).toBeLessThan(844)
})

test('on a desk the facts are beside the form, open', async () => {
  const page = await openForm(DESK)
  expect(await page.getByText('create_issue').filter({ visible: true }).count()).toBe(1)
  expect(await page.locator('details.about').isVisible()).toBe(false)
  expect((await place(page, 'aside.about')).top).toBeLessThan((await place(page, '#field-pat')).top)
  expect((await place(page, '#field-pat')).bottom).toBeLessThan(800)
})

test.each([PHONE, DESK])(
  'the guide is open the first time, and folded once the form has been sent: %j',
  async (screen) => {
    const page = await openForm(screen)
    expect(await isOpen(page, 'details.guide')).toBe(true)
    await press(page, 'Save credential')
    await page.getByRole('alert').waitFor()
    expect(await isOpen(page, 'details.guide')).toBe(false)
  },
)

test("the link's end is in the browser's own time, and without scripts in UTC", async () => {
  const ends = new Date(link.request.expiresAt)
  const timeZone = 'Asia/Kathmandu'
  const shown = async (options: Parameters<typeof watchedPage>[2]) => {
    const page = await openForm({ ...DESK, locale: 'en-GB', timezoneId: timeZone, ...options })
    const time = page.locator('aside time')
    expect(await time.getAttribute('datetime')).toBe(ends.toISOString())
    return time.textContent()
  }
  expect(await shown({ javaScriptEnabled: false })).toBe(`${ends.toISOString().slice(11, 16)} UTC`)
  await watched.close()
  const local = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone }).format(ends)
  expect(await shown({})).toMatch(new RegExp(`^${local} \\S+`))
})
