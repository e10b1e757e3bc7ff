import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { portsFrom } from '../../examples/tickets/ports.ts'
import { callCommand } from '../../examples/tickets/welcome.ts'
import { freePort } from '../harness/free-port.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { folderWithKey, nodeParameters } from '../harness/processes/example-process.ts'
import { startProcess } from '../harness/processes/running-process.ts'

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

interface Child {
  /** What it has printed on standard output, once that fits. */
  printed(pattern: RegExp): Promise<string>
  readonly ended: Promise<Ended>
  interrupt(): void
}

function child(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Child {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment }
  const running = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void running.kill('SIGKILL'))
  let out = ''
  let error = ''
  running.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  running.stderr.on('data', (chunk) => {
    error += String(chunk)
  })
  const ended = new Promise<Ended>((resolve) => running.once('close', (code) => resolve({ code, out, error })))
  return {
    ended,
    interrupt: () => void running.kill('SIGINT'),
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => pattern.test(out) && resolve(out)
        running.stdout.on('data', look)
        look()
        void ended.then(() => reject(new Error(`It ended:\n${out}\n${error}`)))
      }),
  }
}

async function startIt() {
  const [server, tickets, identity] = [await freePort(), await freePort(), await freePort()]
  const running = await startProcess(
    process.execPath,
    await nodeParameters('tickets/start.ts', folderWithKey()),
    {
      EXAMPLE_SERVER_PORT: String(server),
      EXAMPLE_TICKETS_PORT: String(tickets),
      EXAMPLE_IDENTITY_PORT: String(identity),
      MCP_VAULT_KEY_FILE: './vault.key',
    },
    async () => (await fetch(`http://localhost:${server}/`)).ok,
  )
  onTestFinished(() => running.stop())
  return {
    running,
    origin: `http://localhost:${server}`,
    tickets: `http://localhost:${tickets}`,
    issuer: `http://127.0.0.1:${identity}`,
  }
}

async function linkOf(call: Child): Promise<string> {
  const [link = ''] = /http:\S+\/entry\?t=\S+/.exec(await call.printed(/\/entry\?t=\S+\n/)) ?? []
  return link
}

/** Makes a token for Alice, and saves it on the form. */
async function saveToken(link: string, tickets: string): Promise<void> {
  const browser = httpBrowser()
  const made = await browser.press(await browser.open(`${tickets}/`), 'New token for Alice')
  const [pat = ''] = /tkt_[A-Za-z0-9_-]{32}/.exec(made.html) ?? []
  const goingThere = await browser.press(await browser.open(link), 'Sign in')
  const form = await browser.press(await browser.follow(goingThere, 'Continue'), 'Continue as Alice')
  expect((await browser.press(form, 'Save', { pat })).status).toBe(200)
}

describe('npm start', () => {
  test('takes its ports from variables, and says at / what runs there, with links', async () => {
    const { running, origin, tickets, issuer } = await startIt()
    const home = await fetch(`${origin}/`)
    const html = await home.text()
    expect(home.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(home.headers.get('content-security-policy')).toContain("default-src 'none'")
    for (const text of [`${origin}/mcp`, callCommand({ url: `${origin}/mcp` }), '"mcpServers"'])
      expect(textOf(html)).toContain(text)
    for (const link of [`${tickets}/`, `${issuer}/`]) {
      expect(html).toContain(`href="${link}"`)
      expect((await fetch(link)).status).toBe(200)
    }
    await expect.poll(() => running.output()).toContain('Ctrl+C ends the example.')
    for (const text of [`${origin}/`, `${tickets}/`, `${issuer}/`, callCommand({ url: `${origin}/mcp` })])
      expect(running.output()).toContain(text)
  })

  test('wrong addresses answer with a page of ours that links on', async () => {
    const { origin, tickets, issuer } = await startIt()
    for (const address of [
      `${origin}/nowhere`,

      `${tickets}/nowhere`,
      `${issuer}/nowhere`,
    ]) {
      const answer = await fetch(address)
      expect([address, answer.status]).toEqual([address, 404])
      const html = await answer.text()
      expect(textOf(html)).toContain('See what runs here.')
      const [, href = ''] = /href="([^"]+)"/.exec(html) ?? []
      expect((await fetch(new URL(href, address))).status).toBe(200)
    }
    expect((await fetch(`${tickets}/api/nowhere`)).headers.get('content-type')).toBe('application/json')
    // What the library answers itself stays as it is.
    const form = await fetch(`${origin}/credentials/none/nowhere`)
    expect([form.status, textOf(await form.text())]).toEqual([404, expect.stringContaining('There is no such page')])
    expect((await fetch(`${origin}/mcp`, { method: 'POST' })).status).toBe(401)
    expect((await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).status).toBe(200)
    expect((await fetch(`${issuer}/.well-known/openid-configuration`)).status).toBe(200)
  })

  test('the command that it prints makes one call, without an MCP client', async () => {
    const { origin, tickets } = await startIt()
    const script = compiled(join(import.meta.dirname, '../../examples/tickets/call.ts'))
    expect(callCommand({ url: `${origin}/mcp` })).toBe(`npm run call -- --url ${origin}/mcp`)
    const call = (...words: string[]) => child([script, '--url', `${origin}/mcp`, ...words])

    const first = call('Printer', 'is on fire')
    await saveToken(await linkOf(first), tickets)
    expect(await first.ended).toMatchObject({
      code: 0,
      out: expect.stringContaining('TICKET-1 "Printer is on fire" was created by alice.'),
    })
    expect((await call().ended).out).toBe('TICKET-2 "Printer is on fire" was created by alice.\n')
  })

  test('a call that was interrupted does not go on when its user saves the token', async () => {
    const { origin, tickets } = await startIt()
    const script = compiled(join(import.meta.dirname, '../../examples/tickets/call.ts'))
    const call = (title: string) =>
      child([script, title], {
        EXAMPLE_SERVER_PORT: new URL(origin).port,
        EXAMPLE_TICKETS_PORT: '0',
        EXAMPLE_IDENTITY_PORT: '0',
      })
    const first = call('first')
    const link = await linkOf(first)
    first.interrupt()
    expect(await first.ended).toMatchObject({ code: 130, error: expect.stringContaining('Cancelled') })
    await saveToken(link, tickets)
    // Its number shows that it is the only one.
    expect((await call('second').ended).out).toBe('TICKET-1 "second" was created by alice.\n')
  })

  test('npm run call says what is wrong, and shows its usage', async () => {
    const script = compiled(join(import.meta.dirname, '../../examples/tickets/call.ts'))
    const nowhere = `http://localhost:${await freePort()}/mcp`
    expect(await child([script, '--url', nowhere]).ended).toMatchObject({
      code: 1,
      error: expect.stringContaining('Does the example run? "npm start"'),
    })
    expect(await child([script, '--help']).ended).toMatchObject({ code: 0, error: '' })
    expect(await child([script, '--nope']).ended).toMatchObject({ code: 2 })
    expect(await child([script, '--as', 'Carol']).ended).toMatchObject({
      code: 2,
      error: expect.stringContaining('--as takes Alice or Bob'),
    })
    const port = String(await freePort())
    expect(await child([script], { EXAMPLE_SERVER_PORT: port }).ended).toMatchObject({
      code: 1,
      error: expect.stringContaining(`The call to http://localhost:${port}/mcp failed`),
    })
    for (const wrong of ['0', 'x'])
      expect(await child([script], { EXAMPLE_SERVER_PORT: wrong }).ended).toMatchObject({
        code: 2,
        error: expect.stringContaining('EXAMPLE_SERVER_PORT'),
      })
  })

  test.each(['EXAMPLE_SERVER_PORT', 'EXAMPLE_TICKETS_PORT', 'EXAMPLE_IDENTITY_PORT'])(
    'a used port is one line that names %s',
    async (variable) => {
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void other.close())
      const { port } = other.address() as AddressInfo
      const free = { EXAMPLE_SERVER_PORT: '0', EXAMPLE_TICKETS_PORT: '0', EXAMPLE_IDENTITY_PORT: '0' }
      const { code, error } = await child(await nodeParameters('tickets/start.ts', folderWithKey()), {
        ...free,
        MCP_VAULT_KEY_FILE: './vault.key',
        [variable]: String(port),
      }).ended
      expect([code, error]).toEqual([
        1,
        `Port ${port} is used by another program. Set ${variable} to another one, or to 0 for any free one.\n`,
      ])
    },
  )

  test('ports that are used are named at once', async () => {
    const variables = ['EXAMPLE_SERVER_PORT', 'EXAMPLE_TICKETS_PORT', 'EXAMPLE_IDENTITY_PORT']
    const used = await Promise.all(
      variables.map(async () => {
        const other = createServer()
        await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
        onTestFinished(() => void other.close())
        return (other.address() as AddressInfo).port
      }),
    )
    const set = Object.fromEntries(variables.map((name, i) => [name, String(used[i])]))
    const parameters = await nodeParameters('tickets/start.ts', folderWithKey())
    const { code, error } = await child(parameters, { ...set, MCP_VAULT_KEY_FILE: './vault.key' }).ended
    expect(code).toBe(1)
    for (const [i, name] of variables.entries())
      expect(error).toContain(`Port ${used[i]} is used by another program. Set ${name} to another one`)
    expect(error).toContain(
      'For any free ones: EXAMPLE_SERVER_PORT=0 EXAMPLE_TICKETS_PORT=0 EXAMPLE_IDENTITY_PORT=0 npm start',
    )
  })

  test('a port that is none is named', () => {
    expect(portsFrom({})).toEqual({ server: 8005, tickets: 8006, identity: 8007 })
    expect(portsFrom({ EXAMPLE_SERVER_PORT: '', EXAMPLE_TICKETS_PORT: '0' })).toMatchObject({
      server: 8005,
      tickets: 0,
    })
    for (const port of ['x', '-1', '65536', '80.5'])
      expect(() => portsFrom({ EXAMPLE_IDENTITY_PORT: port })).toThrow('EXAMPLE_IDENTITY_PORT')
    expect(() => portsFrom({ EXAMPLE_IDENTITY_PORT: '8005' })).toThrow('a port of its own')
  })
})
