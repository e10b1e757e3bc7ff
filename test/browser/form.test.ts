import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, PAT, startFormServer } from '../harness/browser/form-server.ts'
import { launchChromium } from './chromium.ts'
import { fillIn, heading, press, type WatchedPage, watchedPage } from './watched-page.ts'

const GUIDE =
  '# Create a token\n\n1. Open [API tokens](https://id.atlassian.com/tokens).\n\n```\ncurl https://acme.atlassian.net\n```'

let browser: Browser
let server: FormServer
let watched: WatchedPage | undefined

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())
beforeEach(async () => {
  server = await startFormServer({ provider: { doc: GUIDE } })
})
afterEach(async () => {
  if (watched) {
    expect(watched.troubles).toEqual([])
    expect([...watched.origins].filter((origin) => ![server.baseUrl.origin, server.issuer].includes(origin))).toEqual(
      [],
    )
    await watched.close()
    watched = undefined
  }
  await server.close()
})

describe.each([
  ['with scripts', true],
  ['without scripts', false],
])('the form %s', (_name, javaScriptEnabled) => {
  test('is signed in to, corrected and sent', async () => {
    watched = await watchedPage(browser, server, { javaScriptEnabled })
    const { page } = watched
    const link = await server.ask('alice', { clientName: 'Claude' })
    await watched.open(link.entry)
    expect(await heading(page)).toBe('Sign in to continue')
    await watched.signIn('Alice')
    expect(await heading(page)).toBe('Connect Jira')
    expect(await page.getByRole('button', { name: 'Show Personal access token' }).isVisible()).toBe(javaScriptEnabled)

    await fillIn(page, { site: 'https://evil.example.com', pat: PAT })
    await press(page, 'Save credential')
    await page.getByRole('alert').waitFor()
    expect(await page.title()).toBe('Error: Connect Jira – Acme Tools')
    expect(await page.locator('#field-site').inputValue()).toBe('https://evil.example.com')
    expect(await page.locator('#field-pat').inputValue()).toBe('')
    expect(await page.content()).not.toContain(PAT)
    await page.getByRole('alert').getByRole('link').click()
    expect(await page.evaluate('document.activeElement.id')).toBe('field-site')

    await fillIn(page, GOOD_VALUES)
    await page.keyboard.press('Enter')
    await page.waitForURL('**/done*')
    expect(await heading(page)).toBe('Jira is connected')
    expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  })

  test('cannot be sent again by going back, and shows nothing of what was typed', async () => {
    watched = await watchedPage(browser, server, { javaScriptEnabled })
    const { page } = watched
    const link = await server.ask('alice')
    await watched.open(link.entry)
    await watched.signIn('Alice')
    await fillIn(page, GOOD_VALUES)
    await press(page, 'Save credential')
    await page.waitForURL('**/done*')
    await page.goBack()
    await page.getByRole('heading', { name: 'This is already saved' }).waitFor()
    expect(await page.locator('input[type=password]').count()).toBe(0)
  })

  test('is cancelled', async () => {
    watched = await watchedPage(browser, server, { javaScriptEnabled })
    const link = await server.ask('alice')
    await watched.open(link.entry)
    await watched.signIn('Alice')
    await press(watched.page, 'Cancel')
    await watched.page.waitForURL('**/cancel*')
    expect(await heading(watched.page)).toBe('Cancelled')
    expect((await server.pendingRequests.find(link.request.handle))?.state).toBe('cancelled')
  })

  test('is open in two tabs: one saves, the other is told so', async () => {
    watched = await watchedPage(browser, server, { javaScriptEnabled })
    const link = await server.ask('alice')
    await watched.open(link.entry)
    await watched.signIn('Alice')
    const second = await watched.page.context().newPage()
    await second.goto(server.baseUrl.origin + link.entry)
    for (const page of [watched.page, second]) await fillIn(page, GOOD_VALUES)
    await press(watched.page, 'Save credential')
    await watched.page.waitForURL('**/done*')
    await press(second, 'Save credential')
    await second.waitForURL('**/submit*')
    expect(await heading(second)).toBe('This is already saved')
  })

  test('is left by signing out, and nothing of the person comes back', async () => {
    watched = await watchedPage(browser, server, { javaScriptEnabled })
    const link = await server.ask('alice')
    await watched.open(link.entry)
    await watched.signIn('Alice')
    await press(watched.page, 'Sign out')
    await watched.page.waitForURL('**/sign-out')
    expect(await heading(watched.page)).toBe('You are signed out')
    expect(await watched.page.context().cookies(server.baseUrl.origin)).toEqual([])
    await watched.page.goBack()
    expect(await heading(watched.page)).toBe('Sign in to continue')
  })

  test('is refused to somebody else, who can change the account', async () => {
    watched = await watchedPage(browser, server, { javaScriptEnabled })
    const link = await server.ask('alice')
    await watched.open(link.entry)
    await watched.signIn('Bob')
    expect(await heading(watched.page)).toBe('This link does not work for this account')
    await press(watched.page, 'Sign in with another account')
    await watched.page.getByRole('button', { name: 'Alice' }).click()
    await watched.page.waitForURL('**/entry*')
    expect(await heading(watched.page)).toBe('Connect Jira')
  })
})

test('the script shows a masked field, and masks it again before it is sent', async () => {
  watched = await watchedPage(browser, server)
  const { page } = watched
  const link = await server.ask('alice')
  await watched.open(link.entry)
  await watched.signIn('Alice')
  await page.locator('#field-pat').fill(PAT)
  await page.getByRole('button', { name: 'Show Personal access token' }).click()
  expect(await page.locator('#field-pat').getAttribute('type')).toBe('text')
  await page.getByRole('button', { name: 'Hide Personal access token' }).click()
  expect(await page.locator('#field-pat').getAttribute('type')).toBe('password')
  await page.getByRole('button', { name: 'Show Personal access token' }).click()
  await page.evaluate(
    "document.querySelector('form[data-secrets]').addEventListener('submit', (event) => event.preventDefault())",
  )
  await press(page, 'Save credential')
  expect(await page.locator('#field-pat').getAttribute('type')).toBe('password')
})

test('nothing is kept in the browser but our cookies, which scripts cannot read', async () => {
  watched = await watchedPage(browser, server)
  const { page } = watched
  const link = await server.ask('alice')
  await watched.open(link.entry)
  await watched.signIn('Alice')
  await fillIn(page, GOOD_VALUES)
  const kept = await page.evaluate('[document.cookie, localStorage.length, sessionStorage.length]')
  expect(kept).toEqual(['', 0, 0])
  expect(await page.evaluate('indexedDB.databases().then((databases) => databases.length)')).toBe(0)
  const cookies = await page.context().cookies(server.baseUrl.origin)
  expect(cookies.map(({ httpOnly, sameSite, path }) => ({ httpOnly, sameSite, path }))).toEqual([
    { httpOnly: true, sameSite: 'Lax', path: '/' },
  ])
})

test("a guide's link arrives without telling where it was followed", async () => {
  watched = await watchedPage(browser, server)
  const { page } = watched
  const link = await server.ask('alice')
  await watched.open(link.entry)
  await watched.signIn('Alice')
  await page.context().route('https://id.atlassian.com/**', (route) => route.fulfill({ body: 'elsewhere' }))
  const asked = page
    .context()
    .waitForEvent('request', (request) => request.url().startsWith('https://id.atlassian.com/'))
  await page.getByRole('link', { name: 'API tokens' }).click()
  const { referer } = (await asked).headers()
  expect(referer).toBeUndefined()
  await watched.close()
  watched = undefined
})
