import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UpstreamOptions } from '../../../src/proxy/config/upstream-options.ts'
import { takeProxySnapshot } from '../../../src/server/proxy/take-proxy-snapshot.ts'
import { TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'
import { stdioServerFile } from '../../harness/proxy/stdio-server-file.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stdio-lists-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const injected = ({ harness }: StdioProxy) => harness.audit.events.filter(({ type }) => type === 'credential.injected')

test('before she has connected, Alice sees empty lists and nothing is started; then they change, with her own abilities', async () => {
  const proxy = await startStdioProxy()
  try {
    const alice = await proxy.connectAndFill('alice')
    let changes = 0
    alice.client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      changes += 1
    })
    await expect.poll(() => proxy.harness.openResponses()).toBeGreaterThan(0)
    expect((await alice.client.listTools()).tools).toEqual([])
    expect(injected(proxy)).toEqual([])
    expect(await tool(alice, 'who_am_i')).toBe('You are alice')
    await expect.poll(() => changes).toBeGreaterThan(0)
    expect((await alice.client.listTools()).tools.map(({ name }) => name)).toContain('who_am_i')
    expect(JSON.parse(await tool(alice, 'client'))).toEqual({
      capabilities: { elicitation: { url: {} } },
      info: { name: 'Test Client', version: '1.0.0' },
    })
  } finally {
    await proxy.close()
  }
})

test('a snapshot is taken by a process with the values of an operator, or with none, and answers before anybody has connected', async () => {
  const entry = (snapshot: string | undefined): UpstreamOptions => ({
    command: [process.execPath, stdioServerFile()],
    environment: { SERVICE: 'http://127.0.0.1:9' },
    env: { TOKEN: '{pat}' },
    credential: { variables: { pat: { label: 'Token', type: 'password' } } },
    snapshot,
  })
  const config = { upstreams: { gitlab: entry(undefined) }, children: { folder, secretsFolder: folder } }
  const snapshot = await takeProxySnapshot(config, 'gitlab', { pat: TOKENS.bob })
  expect(snapshot.tools.map(({ entry: { name } }) => name)).toContain('who_am_i')
  expect((await takeProxySnapshot(config, 'gitlab', {})).tools).toEqual(snapshot.tools)
  const file = join(folder, 'gitlab.snapshot.json')
  writeFileSync(file, JSON.stringify(snapshot))
  const proxy = await startStdioProxy({ upstream: { snapshot: file } })
  try {
    const alice = await proxy.connectAndFill('alice')
    expect(alice.client.getServerVersion()?.name).toBe('somebody-elses')
    expect((await alice.client.listTools()).tools.map(({ name }) => name)).toContain('who_am_i')
    expect(injected(proxy)).toEqual([])
    expect(await tool(alice, 'who_am_i')).toBe('You are alice')
    expect(injected(proxy)).toHaveLength(1)
  } finally {
    await proxy.close()
  }
})
