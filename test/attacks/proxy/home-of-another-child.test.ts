import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld } from '../../proxy/children/fixture.ts'

// Published servers keep OAuth tokens in files such as ~/.mcp-atlassian and ~/.gitlab-mcp-token.json.
let world: ChildWorld

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

test("what Alice's child writes to its home is not in Bob's, and not in Alice's next one", async () => {
  const alice = await world.start()
  const homeOf = async (child: typeof alice) => ((await call(child, 'environment')) as { HOME: string }).HOME
  const path = join(await homeOf(alice), '.gitlab-mcp-token.json')
  await call(alice, 'write', { path, text: 'token of alice' })
  const bob = await world.start()
  expect(await homeOf(bob)).not.toBe(await homeOf(alice))
  expect(await call(alice, 'read', { path })).toBe('token of alice')
  await alice.end('session_closed')
  const again = await world.start()
  expect(await homeOf(again)).not.toBe(join(path, '..'))
  expect(world.remains().join()).not.toContain(path)
  await Promise.all([bob, again].map((child) => child.end('session_closed')))
  expect(world.remains()).toEqual([])
})
