import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../harness/browser/form-server.ts'
import { launchChromium } from './chromium.ts'
import { fillIn, press, watchedPage } from './watched-page.ts'

const GUIDE =
  '# Create a token\n\nOpen [API tokens](https://id.atlassian.com/tokens).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncurl x\n```\n\n> Mind\n\n- [x] one'

let browser: Browser

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())

const COMBINATIONS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1280, 390].map((width) => ({ colorScheme, viewport: { width, height: 844 } })),
)

describe.each(COMBINATIONS)('$colorScheme at $viewport.width pixels', (options) => {
  test('no page has anything that axe objects to, asks another server, or breaks its own policy', async () => {
    const server: FormServer = await startFormServer({
      provider: { doc: GUIDE },
      variables: {
        site: { label: 'Site', type: 'url', hint: 'Where it is' },
        pat: { label: 'Token', type: 'password' },
        pem: { label: 'Key', type: 'textarea', required: false, hint: 'PEM' },
      },
    })
    const watched = await watchedPage(browser, server, options)
    const { page } = watched
    const check = async (name: string) => {
      expect(await watched.accessibilityProblems(), name).toEqual([])
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
      expect(overflow, `${name} is wider than the window`).toBeLessThanOrEqual(0)
    }
    const link = await server.ask('alice', {
      clientName: 'Claude',
      tool: 'a_tool_with_a_very_long_name_that_has_to_break_somewhere',
    })
    const foreign = await server.ask('bob')
    await watched.open(link.entry)
    await check('sign-in')
    await watched.signIn('Alice')
    await check('form')
    if (options.viewport.width < 960) {
      await page.locator('details.about summary').click()
      await check('form with its facts')
    }
    await fillIn(page, { site: 'nowhere', pat: 'x' })
    await press(page, 'Save credential')
    await page.getByRole('alert').waitFor()
    await check('form with errors')
    await watched.open(foreign.entry)
    await check('refusal')
    await watched.open('/credentials/jira/entry?t=x')
    await check('malformed link')
    await watched.open(link.entry)
    await fillIn(page, GOOD_VALUES)
    await press(page, 'Save credential')
    await page.waitForURL('**/done*')
    await check('success')
    await watched.open(link.entry)
    await check('used link')
    await press(page, 'Sign out')
    await page.waitForURL('**/sign-out')
    await check('signed out')
    expect(watched.troubles).toEqual([])
    expect([...watched.origins].sort()).toEqual([server.issuer, server.baseUrl.origin].sort())
    await watched.close()
    await server.close()
  })
})
