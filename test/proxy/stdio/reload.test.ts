import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Middleware } from 'koa'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { proxyConfigSchema } from '../../../src/proxy/config/proxy-config.ts'
import type { UpstreamOptions } from '../../../src/proxy/config/upstream-options.ts'
import { type OpenProxy, openProxy } from '../../../src/server/proxy/open-proxy.ts'
import { connectClient, fillIn, type Harness, startHarness, type TestClient } from '../../harness/mcp-harness.ts'
import { TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { type StandInService, startStandInService } from '../../harness/proxy/stand-in-service.ts'
import { tool } from '../../harness/proxy/stdio-proxy.ts'
import { stdioServerFile } from '../../harness/proxy/stdio-server-file.ts'

let service: StandInService
let folder: string
let harness: Harness
let proxy: OpenProxy

beforeAll(async () => {
  service = await startStandInService()
  service.know(TOKENS.alice, 'alice')
  folder = mkdtempSync(join(tmpdir(), 'stdio-reload-'))
  harness = await startHarness({
    serve({ vault }) {
      proxy = openProxy(vault, config(), () => undefined)
      return proxy.middleware as Middleware
    },
  })
})
beforeEach(() => void proxy.replace(config()))
afterAll(async () => {
  await harness.close()
  await service.close()
  rmSync(folder, { recursive: true, force: true })
})

function config(change: Partial<UpstreamOptions> = {}, name = 'gitlab', idleSeconds = 300) {
  const entry: UpstreamOptions = {
    command: [process.execPath, stdioServerFile()],
    environment: { SERVICE: service.origin },
    env: { TOKEN: '{pat}' },
    catalogue: 'user',
    credential: { variables: { pat: { label: 'Token', type: 'password' } } },
    ...change,
  }
  const children = { folder, secretsFolder: folder, idleSeconds }
  return proxyConfigSchema.parse({ upstreams: { [name]: entry }, children })
}

async function connect(name = 'gitlab'): Promise<TestClient> {
  const token = await harness.identityProvider.issueAccessToken('alice')
  return connectClient(`${harness.baseUrl}/${name}/mcp`, token, {
    onLink: async (link) => {
      await fillIn(link, 'alice', { pat: TOKENS.alice })
      return 'accept' as const
    },
  })
}

const count = (type: string) => harness.audit.events.filter((event) => event.type === type).length
const running = () => count('child.started') - count('child.ended')
const pidsOf = (type: string) => harness.audit.events.flatMap((event) => (event.type === type ? event.pid : []))
const pids = () => pidsOf('credential.injected')
const endedPids = () => pidsOf('child.ended')

test('what does not concern the process leaves it as it is', async () => {
  const alice = await connect()
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  const { length: started } = pids()
  expect(proxy.replace(config({ tools: { deny: ['files'] }, failFast: true }))).toEqual(['gitlab'])
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  expect(pids()).toHaveLength(started)
  await alice.client.close()
})

test('another environment is that of the next call, in the same session, and the former process ends', async () => {
  const alice = await connect()
  await tool(alice, 'who_am_i')
  const { length: injected } = pids()
  const former = pids().at(-1)
  proxy.replace(config({ environment: { SERVICE: service.origin, MORE: 'yes' } }))
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  expect(pids()).toHaveLength(injected + 1)
  await expect.poll(() => endedPids(), { timeout: 10_000 }).toContain(former)
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  expect(endedPids()).not.toContain(pids().at(-1))
  await alice.client.close()
})

test('other limits of processes, a server that is gone and one that comes back: no process is left, and calls go on', async () => {
  const alice = await connect()
  await tool(alice, 'who_am_i')
  proxy.replace(config({}, 'gitlab', 200))
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  const other = {
    url: 'http://127.0.0.1:9/mcp',
    ...{ command: undefined, environment: undefined, env: undefined },
    headers: { Authorization: 'Bearer {pat}' },
  }
  proxy.replace(config(other, 'other'))
  await expect.poll(running, { timeout: 10_000 }).toBe(0)
  await alice.client.close()
  proxy.replace(config())
  const again = await connect()
  expect(await tool(again, 'who_am_i')).toBe('You are alice')
  await again.client.close()
})

test('an upstream may become a process, and a process an upstream over HTTP', async () => {
  const http = { command: undefined, environment: undefined, env: undefined }
  proxy.replace(config({ ...http, url: 'http://127.0.0.1:9/mcp', headers: { Authorization: 'Bearer {pat}' } }))
  const alice = await connect()
  proxy.replace(config())
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  await alice.client.close()
})
