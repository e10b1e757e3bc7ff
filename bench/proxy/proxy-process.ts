/** The proxy that is measured, built as it is published, in a process of its own: sealed file, durable audit log, real tokens. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Koa from 'koa'
import { createStores, generateKeyText, oidc, openVault } from 'mcp-credential-vault'
import { createProxy, type ProxyConfig } from 'mcp-credential-vault/proxy'
import { storageKey } from '../../dist/core/model/storage-key.js'

/** What the driver sends in the environment, as JSON. */
export interface ProxyProcessOptions {
  readonly port: number
  readonly issuer: string
  readonly users: readonly string[]
  readonly upstreams: ProxyConfig['upstreams']
  readonly children: NonNullable<ProxyConfig['children']>
}

const { port, issuer, users, upstreams, children }: ProxyProcessOptions = JSON.parse(process.env['BENCH_PROXY'] ?? '')
const folder = mkdtempSync(join(tmpdir(), 'bench-proxy-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
process.once('SIGTERM', () => process.exit(0))
const keyFile = join(folder, 'vault.key')
writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })
await countSyncs()

const stores = createStores({ MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY_FILE: keyFile })
const vault = await openVault({
  serverBaseUrl: `http://localhost:${port}`,
  ...stores,
  identity: oidc({ issuer, clientId: 'form', scopes: ['mcp'] }),
})
for (const provider of Object.keys(upstreams)) {
  for (const subject of users) {
    await stores.backend.write(
      storageKey(provider, { issuer, subject }),
      { pat: `token-of-the-bench-u0${subject.slice(-2)}` },
      { expect: 'any', audit: { writer: 'bench', seq: 1 }, operationId: randomUUID() },
      { signal: AbortSignal.timeout(20_000), correlationId: randomUUID() },
    )
  }
}
const app = new Koa()
vault.register(app)
app.use(createProxy(vault, { upstreams, children }))
createServer(app.callback()).listen(port, '127.0.0.1', () => console.log('ready'))

/** Counts what is synced to the disk in this process, as `fdatasyncs`. */
async function countSyncs(): Promise<void> {
  const handle = await open(keyFile, 'r')
  const shared = Object.getPrototypeOf(handle) as { datasync(): Promise<void> }
  await handle.close()
  const { datasync } = shared
  const counted = globalThis as { fdatasyncs?: number }
  counted.fdatasyncs = 0
  shared.datasync = function count() {
    counted.fdatasyncs = (counted.fdatasyncs ?? 0) + 1
    return datasync.call(this)
  }
}
