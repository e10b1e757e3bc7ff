import { setTimeout as delay } from 'node:timers/promises'
import type { DemoBackend } from './demo-backend.ts'
import { httpBrowser } from './http-browser.ts'
import { connectMcpClient } from './mcp-client.ts'
import { operatorCommand } from './operator-command.ts'
import type { Tickets } from './tickets-server.ts'
import { walkThroughItsLife } from './walk-life.ts'
import { aliceFillsIn, bobIsRefused, createTicket, expect, newToken, shortened, step } from './walk-steps.ts'

export interface WalkParts {
  readonly tickets: Tickets
  readonly backend: DemoBackend
  readonly cacheSeconds: number
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
  const onLinkOf = (handler: typeof onLink) => {
    onLink = handler
  }
  await walkThroughItsLife({ tickets, alice, browser: alicesBrowser, words, links, onLinkOf, untilNoticed })
  await alice.close()

  async function untilNoticed(): Promise<void> {
    if (backend.noticesAtOnce) return
    step(`The running server keeps a value for up to ${cacheSeconds} seconds: they go by.`)
    await delay(cacheSeconds * 1000)
  }
}
