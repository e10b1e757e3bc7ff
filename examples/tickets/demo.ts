import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startProxyExample } from '../proxy/proxy-example.ts'
import { walkThroughProxy } from '../proxy/walk.ts'
import { DEMO_BACKENDS, type DemoBackendName, startDemoBackend } from './demo-backend.ts'
import { startTickets } from './tickets-server.ts'
import { walk } from './walk.ts'

const CACHE_SECONDS = 2
const USAGE = `Usage: npm run demo -- [--backend ${DEMO_BACKENDS.join('|')}]
       npm run demo -- --proxy [--backend …]

Walks through the tickets example, prints each step and checks it. --backend says where the credentials are kept, default sealed-file.
The demo starts what that needs on free ports of this machine, and ends it: for vault a dev server of OpenBao, for aws-secrets-manager
the emulator moto. The first time it installs them into .cache with pip. --proxy walks through the example of the proxy instead.`

function chosen(): { readonly name: DemoBackendName; readonly proxy: boolean } {
  const { backend, proxy, help } = options()
  if (help) {
    console.log(USAGE)
    process.exit(0)
  }
  const known = DEMO_BACKENDS.find((name) => name === backend)
  if (known) return { name: known, proxy }
  return wrongUsage(`There is no such backend. --backend is one of ${DEMO_BACKENDS.join(', ')}.`)
}

function options() {
  try {
    return parseArgs({
      options: {
        backend: { type: 'string', default: 'sealed-file' },
        proxy: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
}

function wrongUsage(problem: string): never {
  console.error(`${problem}\n\n${USAGE}`)
  process.exit(2)
}

/** What is set for a vault of one's own has no part in this. */
function prepareEnvironment(folder: string): void {
  for (const name of Object.keys(process.env))
    if (/^(?:MCP|VAULT|BAO|AWS)_/.test(name) && name !== 'VAULT_BIN') delete process.env[name]
  Object.assign(process.env, {
    MCP_VAULT_FOLDER: join(folder, 'data'),
    // What the servers keep goes with the folder too.
    TMPDIR: folder,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  })
}

async function demonstrate(name: DemoBackendName, folder: string): Promise<void> {
  const backend = await startDemoBackend(name, folder)
  try {
    console.log(`The credentials are kept in ${backend.introduction}.\n`)
    // The operator's commands inherit them, and the AWS SDK reads its keys there.
    Object.assign(process.env, backend.environment)
    if (proxy) return await demonstrateProxy()
    const tickets = await startTickets({ cacheSeconds: CACHE_SECONDS, expiry: 'optional' })
    try {
      await walk({ tickets, backend, cacheSeconds: CACHE_SECONDS })
    } finally {
      await tickets.close()
    }
  } finally {
    await backend.stop()
  }
}

async function demonstrateProxy(): Promise<void> {
  const environment = { ...process.env, MCP_CACHE_SECONDS: String(CACHE_SECONDS) }
  const example = await startProxyExample({ environment })
  try {
    await walkThroughProxy(example)
  } finally {
    await example.close()
  }
}

const { name, proxy } = chosen()
const folder = mkdtempSync(join(tmpdir(), 'tickets-demo-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
// Only an exit of our own ends the servers too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
prepareEnvironment(folder)
try {
  await demonstrate(name, folder)
  console.log('\nAll of it happened.')
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
