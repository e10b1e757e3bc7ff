import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { type HttpBrowser, httpBrowser, type Page, textOf } from './http-browser.ts'
import type { Tickets } from './tickets-server.ts'

let steps = 0
export function step(text: string): void {
  steps += 1
  console.log(`${String(steps).padStart(2)}. ${text}`)
}

export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Expected: ${what}`)
}

export async function createTicket(client: Client, title: string): Promise<string> {
  const result = await client.callTool({ name: 'create_ticket', arguments: { title } })
  const [content] = result.content as { text: string }[]
  return content?.text ?? ''
}

export async function signIn(browser: HttpBrowser, link: string, user: string): Promise<Page> {
  const page = await browser.open(link)
  if (!textOf(page.html).includes('Sign in')) return page
  const goingThere = await browser.press(page, 'Sign in')
  const provider = await browser.follow(goingThere, 'Continue')
  return provider.html.includes(`Continue as ${user}`) ? browser.press(provider, `Continue as ${user}`) : provider
}

export async function aliceFillsIn(browser: HttpBrowser, link: string, pat: string, first: boolean): Promise<void> {
  const form = await signIn(browser, link, 'Alice')
  expect(
    form.status === 200 && form.html.includes('name="pat"'),
    `the form for Alice, not ${form.status}: ${textOf(form.html)}`,
  )
  step(`Alice opens it${first ? ', signs in at the identity provider' : ''} and sees the form.`)
  const saved = await browser.press(form, 'Save', { pat })
  expect(
    saved.status === 200 && !saved.html.includes(pat),
    `a page that says it is saved, not ${saved.status}: ${textOf(saved.html)}`,
  )
  step('She pastes a token from the Ticket Service and saves it.')
}

export async function bobIsRefused(browser: HttpBrowser, link: string): Promise<void> {
  const refusal = await signIn(browser, link, 'Bob')
  expect(refusal.status === 403, `403 for Bob, not ${refusal.status}: ${textOf(refusal.html)}`)
  expect(!/alice/i.test(textOf(refusal.html)), 'nothing about Alice on the page that Bob sees')
  step('Bob opens the same link, signs in as himself, and is refused (403). The link stays good for Alice.')
}

/** The service ends the token that the account had before. */
export async function newToken(tickets: Tickets, user: string): Promise<string> {
  const browser = httpBrowser()
  const page = await browser.open(`${tickets.ticketService.origin}/`)
  const made = await browser.press(page, `New token for ${user}`)
  return /tkt_[A-Za-z0-9_-]{32}/.exec(made.html)?.[0] ?? ''
}

export function shortened(link: string): string {
  return link.replace(/(t=.{6}).*/, '$1…')
}
