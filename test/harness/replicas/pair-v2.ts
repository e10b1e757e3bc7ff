import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { freePort } from '../free-port.ts'
import { ROOT_TOKEN, startOpenBao } from '../hashicorp-vault/open-bao.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from '../identity/identity-provider.ts'
import { compiled } from '../processes/compile-module.ts'
import { startProcess } from '../processes/running-process.ts'
import { startRedisNode } from '../redis/redis-server.ts'
import { startNginx } from './nginx.ts'

export interface PairV2 {
  /** The MCP endpoint of each process. Their pages come from either in turn. */
  readonly endpoints: readonly [one: string, other: string]
  readonly identityProvider: TestIdentityProvider
  /** Lines of this type in both audit logs. */
  auditLines(type: string): readonly { readonly correlationId: string }[]
  stop(): Promise<void>
}

/** Two processes of `mcp-credential-vault start` with tools for SDK 2.x, behind nginx. They share Redis and OpenBao. */
export async function startPairV2(): Promise<PairV2> {
  const folder = mkdtempSync(join(tmpdir(), 'pair-'))
  const balancerPort = await freePort()
  const baseUrl = `http://localhost:${balancerPort}`
  const [bao, redis, identityProvider] = await Promise.all([
    startOpenBao(),
    startRedisNode(),
    startIdentityProvider({
      resource: `${baseUrl}/mcp`,
      clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
    }),
  ])
  const webKey = join(folder, 'web.key')
  writeFileSync(webKey, generateKeyText(), { mode: 0o600 })
  const main = compiled(join(import.meta.dirname, '../../../src/cli/main.ts'))
  const tools = compiled(join(import.meta.dirname, 'replica-tools-v2.ts'))
  const names = ['one', 'other'] as const
  const auditOf = (name: string) => join(folder, name, 'audit')

  async function start(name: string) {
    const port = await freePort()
    const running = await startProcess(
      process.execPath,
      [main, 'start', tools, '--port', String(port)],
      {
        ...{ REPLICA: name, MCP_SERVER_BASE_URL: baseUrl, MCP_TRUSTED_PROXIES: '1' },
        ...{ MCP_OIDC_ISSUER: identityProvider.issuer, MCP_OIDC_CLIENT_ID: 'form', MCP_OIDC_SCOPES: 'mcp' },
        ...{ MCP_VAULT_BACKEND: 'vault', VAULT_TOKEN: ROOT_TOKEN, VAULT_ADDR: bao.address },
        ...{ MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}`, MCP_WEB_KEY_FILE: webKey },
        ...{ MCP_AUDIT_FOLDER: auditOf(name), MCP_VAULT_FOLDER: join(folder, name) },
      },
      async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok,
    )
    return { port, running }
  }

  const [one, other] = await Promise.all([start(names[0]), start(names[1])])
  const balancer = await startNginx({ port: balancerPort, servers: [one.port, other.port], sticky: false })
  return {
    endpoints: [`${balancer.url}/mcp-${one.port}`, `${balancer.url}/mcp-${other.port}`],
    identityProvider,
    auditLines: (type) => names.flatMap((name) => linesIn(auditOf(name)).filter((line) => line.type === type)),
    async stop() {
      await balancer.stop()
      await Promise.all([one.running.stop(), other.running.stop()])
      await Promise.all([bao.stop(), redis.remove(), identityProvider.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function linesIn(audit: string): { readonly type: string; readonly correlationId: string }[] {
  const texts = readdirSync(audit).map((name) => readFileSync(join(audit, name), 'utf8'))
  return texts
    .flatMap((text) => text.split('\n').filter((line) => line.startsWith('{')))
    .map((line) => JSON.parse(line))
}
