import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { FormServer, Link } from '../harness/browser/form-server.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A page that remembers everything it should not do. */
export interface WatchedPage {
  readonly page: Page
  /** Origins that were asked for anything. */
  readonly origins: ReadonlySet<string>
  /** Policy violations, script errors and dialogs. */
  readonly troubles: readonly string[]
  open(path: string): Promise<void>
  /** Presses the sign-in button, and the button of this person at the identity provider. */
  signIn(name: string): Promise<void>
  /** What axe finds wrong, as `rule: element`. WCAG 2.0 to 2.2 A and AA, and best practices. */
  accessibilityProblems(): Promise<readonly string[]>
  close(): Promise<void>
}

/** A page that Alice has signed in to, with her credentials. */
export async function signedInPage(...given: Parameters<typeof watchedPage>): Promise<WatchedPage> {
  const watched = await watchedPage(...given)
  await watched.open('/credentials')
  await watched.page.getByRole('button', { name: /^Sign in/ }).click()
  await watched.page.getByRole('button', { name: 'Alice' }).click()
  await watched.page.waitForURL('**/credentials')
  return watched
}

export async function watchedPage(
  browser: Browser,
  server: FormServer,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const origins = new Set<string>()
  const troubles: string[] = []
  context.on('request', (request) => origins.add(new URL(request.url()).origin))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/the server responded with a status of 4\d\d/.test(message.text())) {
      troubles.push(message.text())
    }
  })
  page.on('pageerror', (error) => troubles.push(error.message))
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })

  return {
    page,
    origins,
    troubles,
    async open(path) {
      await page.goto(server.baseUrl.origin + path)
    },
    async signIn(name) {
      await page.getByRole('button', { name: /^Sign in/ }).click()
      await page.getByRole('button', { name }).click()
      await page.waitForURL(`${server.baseUrl.origin}/**/entry*`)
    },
    async accessibilityProblems() {
      await page.evaluate(AXE)
      // Text, since the tests are compiled without a browser's types.
      return page.evaluate<string[]>(`(async () => {
        const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
        const { violations } = await axe.run(document, { runOnly: { type: 'tag', values } })
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary))
      })()`)
    },
    close: () => context.close(),
  }
}

/** Fills in the example form of the tests. */
export async function fillIn(page: Page, values: { readonly site: string; readonly pat: string }): Promise<void> {
  await page.locator('#field-site').fill(values.site)
  await page.locator('#field-pat').fill(values.pat)
}

export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
}

export function heading(page: Page): Promise<string | null> {
  return page.getByRole('heading', { level: 1 }).textContent()
}

export type { Link }
