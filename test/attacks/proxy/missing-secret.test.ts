import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, childWorld } from '../../proxy/children/fixture.ts'

// Elsewhere a server was started with the token "<UNKNOWN>", or with an empty one, and some servers then act without any.
let world: ChildWorld

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

test.each([[''], [undefined], [null]])('a slot or a file that holds %o starts nothing', async (missing) => {
  const value = missing as never
  const refused = { code: 'configuration_invalid', reason: 'option' }
  await expect(world.start({ slots: { TOKEN: value } })).rejects.toMatchObject(refused)
  await expect(world.start({ files: [{ variable: 'TOKEN_FILE', contents: value }] })).rejects.toMatchObject(refused)
  expect(world.remains()).toEqual([])
})
