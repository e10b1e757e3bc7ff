import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChildOptions } from '../../../src/proxy/children/child-options.ts'
import { type ChildWorld, call, childWorld, guardOf } from '../../proxy/children/fixture.ts'

// Node's own errors of a process that cannot be started repeat its parameters and its environment.
let world: ChildWorld
const SECRET = 'glpat-1234567890abcdef'

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

test.each<[string, Partial<ChildOptions>, object]>([
  ['a value with a NUL', { slots: { TOKEN: `${SECRET}\0` } }, { code: 'configuration_invalid', reason: 'option' }],
  ['a value that is no text', { slots: { TOKEN: [SECRET] as never } }, { code: 'configuration_invalid' }],
  ['a value in place of a name', { slots: { [`${SECRET}=`]: 'TOKEN' } }, { code: 'configuration_invalid' }],
  ['a value that is too long', { slots: { TOKEN: SECRET.repeat(10_000) } }, { code: 'configuration_invalid' }],
  ['more than the system takes', { slots: many() }, { code: 'unavailable', reason: 'child_start' }],
  ['a command that is a secret', { command: [SECRET] }, { code: 'configuration_invalid', reason: 'child_command' }],
  ['a wrapper that is a secret', { wrapper: [SECRET] }, { code: 'configuration_invalid', reason: 'child_command' }],
  [
    'a file name with a secret',
    { files: [{ variable: 'F', contents: SECRET, name: `../${SECRET}` }] },
    { reason: 'option' },
  ],
  ['a file that is too long', { files: [{ variable: 'F', contents: SECRET.repeat(20_000) }] }, { reason: 'option' }],
])('%s is in no error', async (_what, options, expected) => {
  const error = await world.start(options).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject(expected)
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(SECRET)
  expect(world.remains()).toEqual([])
})

/** Each fits, and all of them together do not. */
function many(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`TOKEN_${at}`, SECRET.repeat(4_000)]))
}

test('a child that is printed shows no secret, and a crash writes no core file', async () => {
  const slots = { TOKEN: SECRET }
  const child = await world.start({ slots, files: [{ variable: 'F', contents: SECRET }], guard: guardOf(SECRET) })
  await call(child, 'ping')
  expect(inspect(child, { depth: 20, showHidden: true })).not.toContain(SECRET)
  expect(JSON.stringify(child)).not.toContain(SECRET)
  expect(readFileSync(`/proc/${child.pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m)
  expect(JSON.stringify(await child.end('session_closed'))).not.toContain(SECRET)
})
