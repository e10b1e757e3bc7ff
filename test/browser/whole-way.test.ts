import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Harness, startHarness, type TestClient } from '../harness/mcp-harness.ts'
import { launchChromium } from './chromium.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const ANSWER = { text: `a secret of ${SECRET.length} characters`, isError: false }

let harness: Harness
let browser: Browser
beforeAll(async () => {
  harness = await startHarness()
  browser = await launchChromium()
})
afterEach(() => harness.forget('alice'))
afterAll(async () => {
  await browser.close()
  await harness.close()
})

async function askedAlice(): Promise<{ client: TestClient; call: ReturnType<TestClient['text']>; link: string }> {
  const client = await harness.connect('alice', { onLink: () => 'accept' })
  const call = client.text()
  // Where a test is not about the answer, nobody waits for it.
  call.catch(() => undefined)
  await expect.poll(() => client.links.length).toBe(1)
  return { client, call, link: client.links[0] ?? '' }
}

async function signIn(page: Page, link: string, user: string): Promise<void> {
  await page.goto(link)
  await page.getByRole('button', { name: /sign in/i }).click()
  await page.getByRole('button', { name: `Continue as ${user}` }).click()
  await page.waitForURL(/\/credentials\/jira\/entry/)
}

async function save(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Personal access token' }).fill(SECRET)
  await page.getByRole('button', { name: 'Save credential' }).click()
}

describe.each([
  ['with JavaScript', true],
  ['without JavaScript', false],
])('Chromium %s', (_, javaScriptEnabled) => {
  let context: BrowserContext
  const open = async () => {
    context = await browser.newContext({ javaScriptEnabled })
    return context.newPage()
  }
  afterEach(() => context.close())

  test('call, link, login, form, result', async () => {
    const { call, link } = await askedAlice()
    const page = await open()
    await signIn(page, link, 'Alice')
    expect(await page.locator('main').textContent()).toContain('Test Client')
    await save(page)
    await page.waitForURL(/\/done/)
    expect(await call).toEqual(ANSWER)
    expect(await page.content()).not.toContain(SECRET)
  })

  test('two tabs: one saves, the other says that it is saved already', async () => {
    const { call, link } = await askedAlice()
    const first = await open()
    await signIn(first, link, 'Alice')
    const second = await context.newPage()
    await second.goto(link)
    await save(first)
    await first.waitForURL(/\/done/)
    await save(second)
    expect(await second.locator('h1').textContent()).toMatch(/already|saved|used/i)
    expect(await call).toEqual(ANSWER)
    expect(harness.audit.events.filter((event) => event.type === 'credential.stored').length).toBeGreaterThan(0)
  })

  test('back after saving shows no form that could be sent again', async () => {
    const { call, link } = await askedAlice()
    const page = await open()
    await signIn(page, link, 'Alice')
    await save(page)
    await page.waitForURL(/\/done/)
    await page.goBack()
    expect(await page.getByRole('textbox', { name: 'Personal access token' }).count()).toBe(0)
    expect(await page.content()).not.toContain(SECRET)
    expect(await call).toEqual(ANSWER)
  })

  test("bob on alice's link is refused, learns nothing of her, and leaves it good for her", async () => {
    const { call, link } = await askedAlice()
    const bobs = await open()
    await signIn(bobs, link, 'Bob')
    const text = await bobs.locator('body').textContent()
    expect(text).toContain('does not work for this account')
    expect(text).not.toMatch(/alice/i)
    expect(await bobs.getByRole('textbox', { name: 'Personal access token' }).count()).toBe(0)
    await context.close()
    const page = await open()
    await signIn(page, link, 'Alice')
    await save(page)
    expect(await call).toEqual(ANSWER)
  })

  test('after sign-out the link asks for a sign-in again, and Back shows no form', async () => {
    const { link } = await askedAlice()
    const page = await open()
    await signIn(page, link, 'Alice')
    await page.getByRole('button', { name: /sign out/i }).click()
    await page.getByRole('heading', { name: /signed out/i }).waitFor()
    await page.goBack()
    expect(await page.getByRole('textbox', { name: 'Personal access token' }).count()).toBe(0)
    await page.goto(link)
    expect(await page.getByRole('button', { name: /sign in/i }).count()).toBe(1)
  })
})
