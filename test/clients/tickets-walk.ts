import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type HttpBrowser, httpBrowser, type Page } from '../../examples/tickets/http-browser.ts'
import { startTickets } from '../../examples/tickets/tickets-server.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { SERVERS, type ServerName } from './servers.ts'
import { createWire, type Wire } from './wire.ts'

export interface TicketsWalk {
  readonly url: string
  /** What the server has answered. */
  readonly wire: Wire
  /** A browser in which Alice has not signed in yet. `stopBefore`: the client's own callback, when nobody listens there. */
  signInAsAlice(authorizationUrl: string, options?: { readonly stopBefore?: string }): Promise<Page>
  /** Opens the link as Alice, pastes a new token of hers from the Ticket Service, and saves. Resolves to the page that follows. */
  fillIn(link: string): Promise<Page>
  close(): Promise<void>
}

/** The tickets example on free ports, and Alice with her browser. */
export async function ticketsWalk(server: ServerName): Promise<TicketsWalk> {
  const folder = mkdtempSync(join(tmpdir(), 'clients-'))
  const keyFile = join(folder, 'vault.key')
  writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })
  const environment = { MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY_FILE: keyFile }
  const wire = createWire()
  const tickets = await startTickets({ environment, mount: (parts) => wire.listen(SERVERS[server].mount(parts)) })

  async function newToken(): Promise<string> {
    const browser = httpBrowser()
    const made = await browser.press(await browser.open(`${tickets.ticketService.origin}/`), 'New token for Alice')
    return /tkt_[A-Za-z0-9_-]{32}/.exec(made.html)?.[0] ?? ''
  }

  async function openForm(browser: HttpBrowser, link: string): Promise<Page> {
    const goingThere = await browser.press(await browser.open(link), 'Sign in')
    return browser.press(await browser.follow(goingThere, 'Continue'), 'Continue as Alice')
  }

  return {
    url: tickets.url,
    wire,
    async signInAsAlice(authorizationUrl, browserOptions) {
      const browser = httpBrowser(browserOptions)
      return browser.press(await browser.open(authorizationUrl), 'Continue as Alice')
    },
    async fillIn(link) {
      const browser = httpBrowser()
      return browser.press(await openForm(browser, link), 'Save', { pat: await newToken() })
    },
    async close() {
      await tickets.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const LINK = /http:\/\/localhost:\d+\/credentials\/tickets\/entry\?t=[\w-]+/g

/** The link to the form in a text. */
export function linkIn(text: string): string {
  return text.match(LINK)?.[0] ?? ''
}

/** The text with `*link*` in place of the link, which differs each time. */
export function withoutLink(text: string): string {
  return text.replace(LINK, '*link*')
}
