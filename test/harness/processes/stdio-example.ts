import { httpBrowser, type Page } from '../../../examples/tickets/http-browser.ts'
import { type ExampleTickets, exampleTickets } from './example-client.ts'
import { folderWithKey, nodeParameters } from './example-process.ts'

export interface StdioExample {
  readonly tickets: ExampleTickets
  /** How a client starts it. */
  readonly start: { readonly command: string; readonly args: string[]; readonly env: Record<string, string> }
}

/** A stdio example with a ticket service and an empty folder that has a key. */
export async function stdioExample(example: string): Promise<StdioExample> {
  const tickets = await exampleTickets()
  const folder = folderWithKey()
  const env = {
    TICKETS_URL: tickets.origin,
    TICKETS_FOLDER: folder,
    MCP_VAULT_KEY_FILE: `${folder}/vault.key`,
    PATH: process.env['PATH'] ?? '',
  }
  return { tickets, start: { command: process.execPath, args: await nodeParameters(example, folder), env } }
}

/** Fills in the form of a server without a login. */
export async function fillInLocally(link: string, pat: string): Promise<Page> {
  const browser = httpBrowser()
  return browser.press(await browser.press(await browser.open(link), 'Continue'), 'Save', { pat })
}

export function localLinkIn(text: string): string {
  return /http:\/\/127\.0\.0\.1:\d+\/credentials\/tickets\/entry\?t=[\w-]+/.exec(text)?.[0] ?? ''
}
