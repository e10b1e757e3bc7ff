import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld } from './fixture.ts'

const SERVER = resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js')

let world: ChildWorld

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

test('a published server sees the environment that was declared for it, and nothing else', async () => {
  const child = await world.start({
    command: [process.execPath, SERVER, 'stdio'],
    literals: { API_URL: 'https://api.example.com' },
    slots: { TOKEN: 'token-of-alice' },
  })
  const clientInfo = { name: 'test', version: '1' }
  const initialised = await call(child, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
  expect(initialised).toMatchObject({ protocolVersion: '2025-11-25' })
  child.ready()
  await child.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const { tools } = (await call(child, 'tools/list')) as { tools: { name: string }[] }
  expect(tools.map(({ name }) => name)).toContain('get-env')
  const { content } = (await call(child, 'tools/call', { name: 'get-env', arguments: {} })) as {
    content: { text: string }[]
  }
  const seen = JSON.parse(content[0]?.text ?? '') as Record<string, string>
  expect(Object.keys(seen).sort()).toEqual(['API_URL', 'HOME', 'TMPDIR', 'TOKEN'])
  expect(seen).toMatchObject({ TOKEN: 'token-of-alice' })
  expect(await child.end('session_closed')).toMatchObject({ reason: 'session_closed', invalidLines: 0 })
  expect(world.remains()).toEqual([])
})
