import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld, isRunning, next } from './fixture.ts'

let world: ChildWorld

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

test('a child answers, and nothing of it is left when it has ended', async () => {
  const child = await world.start({ slots: { TOKEN: 'value' } })
  expect(await call(child, 'initialize')).toMatchObject({ serverInfo: { name: 'echo' } })
  child.ready()
  expect(world.remains()).not.toEqual([])
  expect(await child.end('session_closed')).toMatchObject({ reason: 'session_closed', strays: 0, invalidLines: 0 })
  expect(isRunning(child.pid)).toBe(false)
  expect(world.remains()).toEqual([])
  expect(await next(child)).toBeUndefined()
})
