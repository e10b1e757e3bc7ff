import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld } from '../../proxy/children/fixture.ts'

// A server, or what a user makes it do, may write without end. It must cost the proxy neither its memory nor all of its time.
let world: ChildWorld

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

afterEach(async () => {
  await world.endAll()
  expect(world.remains()).toEqual([])
})

test.each([
  ['lines that are no messages', 'yes'],
  ['lines that begin like one', 'yes {'],
  ['one line that never ends', 'exec tr "\\0" x < /dev/zero'],
  ['standard error', 'yes >&2'],
  ['messages that nobody reads', `yes '{"jsonrpc":"2.0","method":"noise"}'`],
])('while a child writes %s, another one answers and memory stays', async (_what, script) => {
  const loud = await world.start({ command: ['/bin/sh', '-c', script], maxWaitingBytes: 100_000 })
  const quiet = await world.start()
  quiet.ready()
  loud.ready()
  const before = process.memoryUsage().rss
  for (let calls = 0; calls < 200; calls += 1) expect(await call(quiet, 'ping')).toEqual({})
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  expect(loud.isEnding).toBe(false)
  expect(await loud.end('session_closed', 0)).toMatchObject({ signal: 'SIGKILL' })
})
