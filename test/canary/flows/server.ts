import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { visitorOf } from '../../harness/browser/visitor.ts'
import { freePort } from '../../harness/free-port.ts'
import { compiled } from '../../harness/processes/compile-module.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import { connectClient } from '../mcp-client.ts'
import { recordedSend } from '../recording.ts'
import type { World } from '../world.ts'

const COMMAND = compiled(join(import.meta.dirname, '../../../src/cli/main.ts'))
const TOOLS = compiled(join(import.meta.dirname, '../start-tools.ts'))

/**
 * All that packages and Node.js can be made to print, but for Node's `stream`: that one prints the first 50 bytes of every buffer that a
 * stream is given, the posted form among them, which no code above it can prevent. debug-output.ts looks at it.
 */
const LOUD = {
  DEBUG: '*',
  NODE_DEBUG: 'http,http2,https,net,tls,fs,dns,timer,child_process,worker,module,esm,fetch,undici',
}

/** The real command in a process of its own. Everything that it prints is kept. */
function command(world: World, words: readonly string[], environment: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, [COMMAND, ...words], {
    env: { ...process.env, ...LOUD, MCP_VAULT_KEY_FILE: world.keyFile, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdout?.on('data', world.trace.stream('server process'))
  child.stderr?.on('data', world.trace.stream('server process'))
  return child
}

/** What the system shows of a process to everybody on the machine, or to its user. */
function keepProcessInfo({ trace }: World, { pid }: ChildProcess): void {
  for (const file of ['cmdline', 'environ', 'comm']) {
    const path = `/proc/${pid}/${file}`
    if (existsSync(path)) trace.add('server process', readFileSync(path))
  }
}

async function serving(child: ChildProcess): Promise<void> {
  for await (const part of child.stdout ?? []) if (String(part).includes('Serving')) return
}

async function ends(child: ChildProcess, code: number): Promise<void> {
  const [ended] = await once(child, 'exit')
  expectThat(ended === code, `an end with ${code}, not ${ended}`)
}

export const server: readonly Flow[] = [
  flow('runnable server: start, save, use, throw, stop', async (world) => {
    const [port, metricsPort] = [await freePort(), await freePort()]
    const baseUrl = `http://localhost:${port}`
    const token = randomBytes(32).toString('hex')
    const child = command(world, ['start', TOOLS, '--port', String(port)], {
      MCP_SERVER_BASE_URL: baseUrl,
      MCP_VAULT_FOLDER: join(world.root, 'served'),
      MCP_IDENTITY: 'local-user',
      MCP_LOCAL_USER: 'alice',
      MCP_LOCAL_ACCESS_TOKEN: token,
      MCP_LOG_LEVEL: 'debug',
      MCP_METRICS_PORT: String(metricsPort),
    })
    try {
      await serving(child)
      const client = await connectClient(world.trace, `${baseUrl}/mcp`, token)
      const link = world.linkIn((await client.call()).text)
      const send = recordedSend(world.trace, port)
      const visitor = visitorOf({ send, provider: undefined })
      await visitor.post('/credentials/login', { provider: 'canary', t: link.request.handle })
      expectStatus(await visitor.submit(link, { ...world.secrets.values, strict: world.secrets.of('html') }), 422)
      expectStatus(await visitor.submit(link, world.secrets.values), 303)
      expectThat((await client.call()).text === '8 values', 'the saved values')
      expectThat((await client.call('throws')).text.includes('withheld'), 'words about withholding')
      expectStatus(await recordedSend(world.trace, port, 'health')({ path: '/health' }), 200)
      const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
      expectThat(metrics.includes('credential_vault_resolve_duration_count'), 'metrics')
      world.trace.add('metrics', metrics)
      keepProcessInfo(world, child)
      await client.client.close()
      child.kill('SIGTERM')
      await ends(child, 0)
    } finally {
      child.kill('SIGKILL')
    }
  }),
  flow('command line: rotate in a process of its own', async (world) => {
    await world.saved()
    const { issuer, subject } = world.owner
    const words = ['rotate', 'canary', '--issuer', issuer, '--subject', subject, '--field', 'pem', '--type', 'textarea']
    const child = command(world, words, { MCP_VAULT_FOLDER: world.dataFolder })
    const ended = ends(child, 0)
    keepProcessInfo(world, child)
    child.stdin?.end(world.secrets.of('pem'))
    await ended
  }),
]
