import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { DemoBackend } from './demo-backend.ts'
import { type HttpBrowser, httpBrowser, type Page, textOf } from './http-browser.ts'
import { connectMcpClient } from './mcp-client.ts'
import { operatorCommand } from './operator-command.ts'
import type { Tickets } from './tickets-server.ts'

export interface WalkParts {
  readonly tickets: Tickets
  readonly backend: DemoBackend
  readonly cacheSeconds: number
}

let steps = 0
function step(text: string): void {
  steps += 1
  console.log(`${String(steps).padStart(2)}. ${text}`)
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Expected: ${what}`)
}

/** Walks through everything that the example shows, prints each step and checks it. */
export async function walk({ tickets, backend, cacheSeconds }: WalkParts): Promise<void> {
  const words = ['tickets', '--issuer', tickets.identityProvider.issuer, '--subject', 'alice']
  const links: string[] = []
  let onLink: (link: string) => Promise<void> = async () => undefined
  const alice = await connectMcpClient({
    url: tickets.url,
    user: 'Alice',
    onLink(link) {
      links.push(link)
      // Its failure shows where the walk waits for it.
      onLink(link).catch(() => undefined)
      return 'accept'
    },
  })
  step('Alice connects her MCP client: metadata, registration, login, access token.')

  const alicesBrowser = httpBrowser()
  const bobsBrowser = httpBrowser()
  let done: Promise<void> = Promise.resolve()
  onLink = (link) => {
    done = (async () => {
      step(`The tool needs her credential. Her client is given a link: ${shortened(link)}`)
      await bobIsRefused(bobsBrowser, link)
      await aliceFillsIn(alicesBrowser, link, await newToken(tickets, 'Alice'), true)
    })()
    return done
  }
  step('Alice calls create_ticket("Printer is on fire").')
  const first = await createTicket(alice, 'Printer is on fire')
  await done
  expect(first.includes('was created by alice'), `a ticket in Alice's name, not: ${first}`)
  step(`The call goes on by itself: ${first}`)

  onLink = async () => undefined
  const second = await createTicket(alice, 'It still is')
  expect(links.length === 1 && second.includes('was created by alice'), 'a second call without any question')
  step(`A second call, with no question: ${second}`)

  const shown: { status?: string; version?: string; location?: string; rotateByHand?: string; rotateInput?: string } =
    JSON.parse(await operatorCommand(['show', ...words, '--json']))
  expect(shown.status === 'active', `an active credential, not: ${shown.status}`)
  step(`An operator looks for it: version ${shown.version} at ${shown.location}`)
  const rotated = await backend.rotate(
    { words, rotateCommand: shown.rotateByHand, rotateInput: shown.rotateInput },
    await newToken(tickets, 'Alice'),
  )
  step(`Her token is replaced by a new one, and the old one ends. The operator stores it: ${rotated}`)
  await untilNoticed()
  const third = await createTicket(alice, 'Send somebody')
  expect(links.length === 1 && third.includes('was created by alice'), `a call with the new token, not: ${third}`)
  step(`The next call uses it: ${third}`)

  const revoked = await operatorCommand(['revoke', ...words])
  step(`The operator revokes her credential: ${revoked.trim()}`)
  await untilNoticed()

  onLink = (link) => {
    done = (async () => {
      step(`The next call asks again: ${shortened(link)}`)
      expect(link !== links[0], 'a new link')
      await aliceFillsIn(alicesBrowser, link, await newToken(tickets, 'Alice'), false)
    })()
    return done
  }
  const last = await createTicket(alice, 'Bring water')
  await done
  expect(links.length === 2 && last.includes('was created by alice'), `a new question after the revocation: ${last}`)
  step(`With the new token: ${last}`)
  await alice.close()

  async function untilNoticed(): Promise<void> {
    if (backend.noticesAtOnce) return
    step(`The running server keeps a value for up to ${cacheSeconds} seconds: they go by.`)
    await delay(cacheSeconds * 1000)
  }
}

async function createTicket(client: Client, title: string): Promise<string> {
  const result = await client.callTool({ name: 'create_ticket', arguments: { title } })
  const [content] = result.content as { text: string }[]
  return content?.text ?? ''
}

async function signIn(browser: HttpBrowser, link: string, user: string): Promise<Page> {
  const page = await browser.open(link)
  if (!textOf(page.html).includes('Sign in')) return page
  const goingThere = await browser.press(page, 'Sign in')
  const provider = await browser.follow(goingThere, 'Continue')
  return provider.html.includes(`Continue as ${user}`) ? browser.press(provider, `Continue as ${user}`) : provider
}

async function aliceFillsIn(browser: HttpBrowser, link: string, pat: string, first: boolean): Promise<void> {
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

async function bobIsRefused(browser: HttpBrowser, link: string): Promise<void> {
  const refusal = await signIn(browser, link, 'Bob')
  expect(refusal.status === 403, `403 for Bob, not ${refusal.status}: ${textOf(refusal.html)}`)
  expect(!/alice/i.test(textOf(refusal.html)), 'nothing about Alice on the page that Bob sees')
  step('Bob opens the same link, signs in as himself, and is refused (403). The link stays good for Alice.')
}

/** The service ends the token that the account had before. */
async function newToken(tickets: Tickets, user: string): Promise<string> {
  const browser = httpBrowser()
  const page = await browser.open(`${tickets.ticketService.origin}/`)
  const made = await browser.press(page, `New token for ${user}`)
  return /tkt_[A-Za-z0-9_-]{32}/.exec(made.html)?.[0] ?? ''
}

function shortened(link: string): string {
  return link.replace(/(t=.{6}).*/, '$1…')
}
