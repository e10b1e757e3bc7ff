import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { startFaultProxy } from '../harness/fault-proxy.ts'
import { freePort } from '../harness/free-port.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { answerOf, exampleClient, withToken } from '../harness/processes/example-client.ts'
import { type RunningProcess, startProcess } from '../harness/processes/running-process.ts'

const TOOLS = compiled(join(import.meta.dirname, '../harness/processes/shutdown-tools.ts'))
const SECRET = 'tok-3f9d2c71e8b04a56'

let command: MainCommand
beforeAll(async () => {
  command = await mainCommand()
}, 60_000)
afterAll(() => command.remove())

interface Served {
  readonly url: string
  readonly port: number
  readonly token: string
  readonly server: RunningProcess
  /** Exit code, or the signal that it died of. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

async function serve(environment: NodeJS.ProcessEnv = {}): Promise<Served> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const token = randomBytes(32).toString('hex')
  const server = await startProcess(
    process.execPath,
    [command.script, 'start', TOOLS, '--port', String(port)],
    {
      ...command.environment,
      MCP_SERVER_BASE_URL: url,
      MCP_LOCAL_ACCESS_TOKEN: token,
      MCP_AUDIT_FOLDER: join(command.root, `audit-${port}`),
      ...environment,
    },
    async () => (await fetch(`${url}/healthz`)).ok,
  )
  onTestFinished(() => server.stop())
  const ended = once(server.child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null)
  return { url, port, token, server, ended }
}

function linesOf({ port }: Served): readonly string[] {
  const folder = join(command.root, `audit-${port}`)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
}

/** The log's lines about the end: the first begins it, the last is written when the stores are closed. */
function shutdownLines({ server }: Served): readonly Record<string, unknown>[] {
  return server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter(({ msg }) => String(msg).startsWith('Shutdown '))
}

const readyz = async ({ url }: Served) => {
  const answer = await fetch(`${url}/readyz`)
  return { status: answer.status, text: await answer.text() }
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('while a call waits: it is answered, its stream ends, and the process ends with 0', async () => {
    const served = await serve()
    const links: string[] = []
    const client = await exampleClient(withToken(`${served.url}/mcp`, served.token), (link) => links.push(link))
    const waiting = client.answer('read_secret')
    await expect.poll(() => links.length).toBe(1)
    served.server.child.kill(signal)
    expect(await waiting).toEqual({ isError: true, text: expect.stringContaining('restarting') })
    expect(await served.ended).toBe(0)
    expect(served.server.output()).not.toMatch(/ warn mcp-credential-vault\/(?!identity)/)
    const info = { level: 30, component: 'server' }
    expect(shutdownLines(served)).toEqual([
      expect.objectContaining({ ...info, signal, waitingCalls: 1, runningCalls: 0, openSaves: 0 }),
      expect.objectContaining({ ...info, durationMs: expect.any(Number), cutOff: 0 }),
    ])
    const verified = await command.run(['audit', 'verify', '--folder', join(command.root, `audit-${served.port}`)])
    expect(verified.out).toMatch(/integrity: +intact/)
  })
})

describe('with Vault', () => {
  let bao: OpenBao
  beforeAll(async () => {
    bao = await startOpenBao()
  })
  afterAll(() => bao.stop())

  test('a save that is in its write when the signal arrives is stored, logged and acknowledged', async () => {
    let arrived = () => {}
    let release = () => {}
    const written = new Promise<void>((resolve) => (arrived = resolve))
    const released = new Promise<void>((resolve) => (release = resolve))
    const proxy = await startFaultProxy({
      target: bao.address,
      faultFor: () => 'none',
      async answerFor({ method, url }) {
        if (method !== 'POST' && method !== 'PUT') return undefined
        if (!url.includes('/data/')) return undefined
        arrived()
        await released
        return undefined
      },
    })
    onTestFinished(() => proxy.close())
    const mount = await bao.newMount()
    const served = await serve({
      MCP_VAULT_BACKEND: 'vault',
      VAULT_ADDR: proxy.endpoint,
      VAULT_TOKEN: ROOT_TOKEN,
      VAULT_KV_MOUNT: mount,
      MCP_WEB_KEY_FILE: command.environment.MCP_VAULT_KEY_FILE,
    })
    const client = await exampleClient(withToken(`${served.url}/mcp`, served.token), () => {})
    const links: string[] = []
    const asking = await exampleClient(withToken(`${served.url}/mcp`, served.token), (link) => links.push(link))
    const waiting = asking.answer('read_secret')
    await expect.poll(() => links.length).toBe(1)
    const browser = httpBrowser()
    const form = await browser.press(await browser.open(links[0] ?? ''), 'Continue')
    const page = browser.press(form, 'Save', { pat: SECRET })
    await written
    served.server.child.kill('SIGTERM')
    expect((await waiting).text).toContain('restarting')
    await expect.poll(async () => (await readyz(served)).text).toContain('"server":"draining"')
    expect((await answerOf(client.client, 'hang')).text).toContain('restarting')
    release()
    expect(textOf((await page).html)).toMatch(/saved|connected/i)
    expect(await served.ended).toBe(0)
    expect(shutdownLines(served)[0]).toMatchObject({ signal: 'SIGTERM', waitingCalls: 1, openSaves: 1 })
    const types = linesOf(served).flatMap((line) => (line === '' ? [] : [String(JSON.parse(line).type)]))
    expect(types).toContain('credential.stored')
    const { body } = await bao.api('LIST', `${mount}/metadata/mcp/jira`)
    expect(body.data.keys).toHaveLength(1)
  })

  test('Vault that is away shows in /readyz of the running server, and /healthz stays 200', async () => {
    const proxy = await startFaultProxy({ target: bao.address, faultFor: () => 'none' })
    onTestFinished(() => proxy.close())
    const served = await serve({
      MCP_VAULT_BACKEND: 'vault',
      VAULT_ADDR: proxy.endpoint,
      VAULT_TOKEN: ROOT_TOKEN,
      VAULT_KV_MOUNT: await bao.newMount(),
      MCP_WEB_KEY_FILE: command.environment.MCP_VAULT_KEY_FILE,
    })
    expect(await readyz(served)).toEqual({ status: 200, text: '{"status":"ready"}' })
    await proxy.down()
    await expect
      .poll(() => readyz(served), { timeout: 30_000 })
      .toEqual({ status: 503, text: '{"status":"not_ready","problems":{"backend":"connection"}}' })
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200)
    served.server.child.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })
})

test('a second signal ends it at once, though a call still runs', async () => {
  const served = await serve()
  const client = await exampleClient(withToken(`${served.url}/mcp`, served.token))
  const hanging = client.answer('hang')
  await expect.poll(() => running(served)).toBe(true)
  served.server.child.kill('SIGTERM')
  await expect.poll(async () => (await readyz(served)).text).toContain('draining')
  // The same signal again, as npm passes it on, is no second one; so it is sent until it is.
  const repeat = setInterval(() => served.server.child.kill('SIGINT'), 100)
  onTestFinished(() => clearInterval(repeat))
  expect(await served.ended).toBe('SIGINT')
  clearInterval(repeat)
  void hanging.catch(() => {})
})

test('a signal that npm passes on as well is not a second one', async () => {
  const served = await serve()
  served.server.child.kill('SIGINT')
  served.server.child.kill('SIGINT')
  expect(await served.ended).toBe(0)
})

test('timers of tools, idle connections and clients that only listen do not keep the process', async () => {
  const served = await serve()
  const client = await exampleClient(withToken(`${served.url}/mcp`, served.token))
  const cancelled = new AbortController()
  const hanging = client.client
    .callTool({ name: 'hang', arguments: {} }, undefined, { signal: cancelled.signal })
    .catch(() => 'cancelled')
  await expect.poll(() => running(served)).toBe(true)
  cancelled.abort()
  expect(await hanging).toBe('cancelled')
  const idle = connect(served.port, '127.0.0.1')
  await once(idle, 'connect')
  idle.on('error', () => {})
  onTestFinished(() => void idle.destroy())
  served.server.child.kill('SIGTERM')
  expect(await served.ended).toBe(0)
})

/** Whether the tool `hang` has been entered, which leaves a response open. */
async function running({ url, token }: Served): Promise<boolean> {
  return (await fetch(`${url}/mcp`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })).status >= 400
}
