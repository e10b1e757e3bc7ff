import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { type HttpBrowser, textOf } from './http-browser.ts'
import { operatorCommand } from './operator-command.ts'
import type { Tickets } from './tickets-server.ts'
import { aliceFillsIn, createTicket, expect, newToken, shortened, signIn, step } from './walk-steps.ts'

export interface LifeWalkParts {
  readonly tickets: Tickets
  readonly alice: Client
  readonly browser: HttpBrowser
  /** Name Alice's credential on the command line. */
  readonly words: readonly string[]
  /** The links that her client was given. */
  readonly links: readonly string[]
  readonly onLinkOf: (handler: (link: string) => Promise<void>) => void
  readonly untilNoticed: () => Promise<void>
}

const DAY = 86_400_000

/** Walks through what happens to a credential after it was saved: rejected, replaced on its owner's page, near its end, and offboarded. */
export async function walkThroughItsLife(parts: LifeWalkParts): Promise<void> {
  await rejection(parts)
  const endsOn = await replacement(parts)
  await expiry(parts, endsOn)
  await offboarding(parts)
}

async function rejection({ tickets, alice, browser, links, onLinkOf }: LifeWalkParts): Promise<void> {
  const before = links.length
  let done: Promise<void> = Promise.resolve()
  const newest = await newToken(tickets, 'Alice')
  step('Her token ends at the Ticket Service: she has made a new one there.')
  onLinkOf((link) => {
    done = (async () => {
      step(`The service answers 401 to the next call, and the same call asks for a new token: ${shortened(link)}`)
      await aliceFillsIn(browser, link, newest, false)
    })()
    return done
  })
  const ticket = await createTicket(alice, 'The fire is out')
  await done
  expect(links.length === before + 1 && ticket.includes('was created by alice'), `a result of the same call: ${ticket}`)
  step(`The same call ends with a result: ${ticket}`)
}

/** @returns the day that Alice enters as the token's last */
async function replacement({ tickets, browser }: LifeWalkParts): Promise<string> {
  const page = await signIn(browser, tickets.url.replace(/mcp$/, 'credentials'), 'Alice')
  const words = textOf(page.html)
  expect(page.status === 200 && words.includes('Ticket Service'), `Alice's own page, not ${page.status}: ${words}`)
  step('Alice opens her own page, which lists her credentials, and presses Replace.')
  const form = await browser.press(page, 'Replace')
  const endsOn = new Date(Date.now() + 3 * DAY).toISOString().slice(0, 10)
  const pat = await newToken(tickets, 'Alice')
  const saved = await browser.press(form, 'Save', { pat, 'expires-on': endsOn })
  expect(saved.status === 200 && !saved.html.includes(pat), `a page that says it is saved: ${textOf(saved.html)}`)
  step(`She pastes another token, which ends on ${endsOn}, and saves it.`)
  return endsOn
}

async function expiry({ alice, untilNoticed }: LifeWalkParts, endsOn: string): Promise<void> {
  await untilNoticed()
  const result = await alice.callTool({ name: 'create_ticket', arguments: { title: 'Order a new printer' } })
  const lines = (result.content as { text: string }[]).map(({ text }) => text)
  const notice = lines.find((line) => line.includes(`expires on ${endsOn}`))
  expect(notice !== undefined, `a line about the end of her token, not: ${lines.join(' / ')}`)
  step(`The next result says so: ${notice}`)
}

async function offboarding({ alice, words, links, onLinkOf, untilNoticed }: LifeWalkParts): Promise<void> {
  const owner = words.slice(1)
  const told = await operatorCommand(['offboard', ...owner], { accepted: [0, 1] })
  const done = told.split('\n').find((line) => line.startsWith('tickets')) ?? ''
  step(`Alice leaves the company. The operator offboards her: ${done.replace(/\s+/g, ' ').trim()}`)
  await untilNoticed()
  const shown: { status?: string } = JSON.parse(
    await operatorCommand(['show', ...words, '--json'], { accepted: [0, 3] }),
  )
  expect(shown.status === 'revoked', `a revoked credential, not: ${shown.status}`)
  const before = links.length
  const asked = new Promise<void>((resolve) => onLinkOf(async () => resolve()))
  const leaving = new AbortController()
  const call = alice.callTool({ name: 'create_ticket', arguments: { title: 'One more' } }, undefined, {
    signal: leaving.signal,
  })
  // Nobody enters anything: the call either asks, or is over at once.
  await Promise.race([asked, call])
  expect(links.length === before + 1, 'a call that asks, because nothing is left')
  leaving.abort()
  await call.catch(() => undefined)
  step('Nothing is left of her credential: a call in her name only gets a link.')
}
