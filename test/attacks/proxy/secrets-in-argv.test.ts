import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld, guardOf, processesWith } from '../../proxy/children/fixture.ts'

// Everybody on the machine can read the parameters of a process with ps.
let world: ChildWorld
const SECRET = 'glpat-1234567890abcdef'

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

const command = (...parameters: string[]) => [...world.options().command, ...parameters]

test.each([[`--token=${SECRET}`], [Buffer.from(SECRET).toString('base64')]])(
  'a command that holds a secret is refused, and the error does not repeat it',
  async (parameter) => {
    const error = await world.start({ command: command(parameter), guard: guardOf(SECRET) }).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'child_secret_argument' })
    expect(String(error)).not.toContain(parameter)
    expect(world.remains()).toEqual([])
  },
)

test('a wrapper that holds a secret is refused', async () => {
  const wrapper = ['/usr/bin/env', `TOKEN=${SECRET}`]
  await expect(world.start({ wrapper, guard: guardOf(SECRET) })).rejects.toMatchObject({
    reason: 'child_secret_argument',
  })
})

test('what a slot or a file holds is in no parameter of any process, from the gate to the server', async () => {
  const files = [{ variable: 'TOKEN_FILE', contents: SECRET }]
  const child = await world.start({ slots: { TOKEN: SECRET }, files, guard: guardOf(SECRET) })
  await call(child, 'ping')
  const parameters = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => contentOf(`/proc/${pid}/cmdline`))
  expect(parameters.filter((text) => text.includes(SECRET))).toEqual([])
  // The environment does hold it: the search works.
  expect(processesWith(SECRET)).toEqual([child.pid])
  await child.end('session_closed')
})

test('dangerouslyArgs may hold one', async () => {
  const child = await world.start({ dangerouslyArgs: [`--token=${SECRET}`], guard: guardOf(SECRET) })
  expect(await call(child, 'surroundings')).toMatchObject({ argv: expect.arrayContaining([`--token=${SECRET}`]) })
  await child.end('session_closed')
})

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
