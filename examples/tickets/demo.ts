import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { generateKeyText } from 'mcp-credential-vault'
import { type HttpBrowser, httpBrowser, type Page, textOf } from './http-browser.ts'
import { connectMcpClient } from './mcp-client.ts'
import { startTickets, type Tickets } from './tickets-server.ts'

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

let steps = 0
function step(text: string): void {
  steps += 1
  console.log(`${String(steps).padStart(2)}. ${text}`)
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Expected: ${what}`)
}

async function walk(tickets: Tickets, environment: NodeJS.ProcessEnv): Promise<void> {
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

  const revoked = await run(
    ['revoke', 'tickets', '--issuer', tickets.identityProvider.issuer, '--subject', 'alice'],
    environment,
  )
  step(`An operator revokes her credential: ${revoked.trim()}`)

  onLink = (link) => {
    done = (async () => {
      step(`The next call asks again: ${shortened(link)}`)
      expect(link !== links[0], 'a new link')
      await aliceFillsIn(alicesBrowser, link, await newToken(tickets, 'Alice'), false)
    })()
    return done
  }
  const third = await createTicket(alice, 'Bring water')
  await done
  expect(links.length === 2 && third.includes('was created by alice'), 'a new question after the revocation')
  step(`With the new token: ${third}`)
  await alice.close()
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

async function newToken(tickets: Tickets, user: string): Promise<string> {
  const browser = httpBrowser()
  const page = await browser.open(`${tickets.ticketService.origin}/`)
  const made = await browser.press(page, `New token for ${user}`)
  return /tkt_[A-Za-z0-9_-]{32}/.exec(made.html)?.[0] ?? ''
}

function run(parameters: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...parameters], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`The command ended with ${code}.`))))
  })
}

function shortened(link: string): string {
  return link.replace(/(t=.{6}).*/, '$1…')
}

const folder = await mkdtemp(join(tmpdir(), 'tickets-demo-'))
const keyFile = join(folder, 'vault.key')
const dataFolder = join(folder, 'data')
await writeFile(keyFile, generateKeyText(), { mode: 0o600 })
const tickets = await startTickets({ folder: dataFolder, keyFile })
try {
  await walk(tickets, { ...process.env, MCP_VAULT_FOLDER: dataFolder, MCP_VAULT_KEY_FILE: keyFile })
  console.log('\nAll of it happened.')
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await tickets.close()
  await rm(folder, { recursive: true })
}
