import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type ChildWorld, call, childWorld } from '../../proxy/children/fixture.ts'

// Elsewhere children inherited the environment of the proxy, with the key of its store.
let world: ChildWorld

beforeAll(async () => {
  vi.stubEnv('MCP_VAULT_KEY', 'the-key-of-our-store')
  vi.stubEnv('NODE_OPTIONS', '--no-warnings')
  world = await childWorld()
})

afterAll(() => world.close())

test.each([
  ['by itself', (server: readonly string[]) => server],
  ['behind a shell', ([node, script]: readonly string[]) => ['/bin/sh', '-c', `"${node}" "${script}"; true`]],
])('a child %s inherits nothing of the environment of the proxy', async (_how, wrap) => {
  const child = await world.start({ command: wrap(world.options().command), slots: { TOKEN: 'value' } })
  const environment = (await call(child, 'environment')) as Record<string, string>
  expect(environment).toMatchObject({ TOKEN: 'value' })
  expect(JSON.stringify(environment)).not.toContain('the-key-of-our-store')
  // A shell of the operator's own adds its working folder.
  expect(Object.keys(environment).filter((name) => !['HOME', 'TMPDIR', 'TOKEN', 'PWD'].includes(name))).toEqual([])
  await child.end('session_closed')
})

test('it inherits no descriptor of the proxy: no socket, no pipe to the watchdog, no file of another child', async () => {
  const files = [{ variable: 'TOKEN_FILE', contents: 'of alice', as: 'descriptor' as const }]
  const alice = await world.start({ files })
  const bob = await world.start({
    slots: { TOKEN: 'value' },
    command: ['/bin/sh', '-c', 'ls -l /proc/self/fd; sleep 60'],
  })
  const { descriptors } = (await call(alice, 'surroundings')) as { descriptors: readonly string[] }
  const ofNode = /eventpoll|eventfd|io_uring|timerfd|signalfd|pipe:|\/dev\/null/
  const own = descriptors.filter((line) => !ofNode.test(line) && Number(line.split(' ')[0]) < 20)
  expect(own.map((line) => Number(line.split(' ')[0])).sort()).toEqual([0, 1, 2, 4])
  expect(own.filter((line) => line.includes('deleted'))).toHaveLength(1)
  await Promise.all([alice, bob].map((child) => child.end('session_closed')))
})
