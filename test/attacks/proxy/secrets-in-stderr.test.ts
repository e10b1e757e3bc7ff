import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld, guardOf } from '../../proxy/children/fixture.ts'

// Servers print their configuration when they start or fail, and proxies copied it into their logs.
let world: ChildWorld
const SECRET = 'glpat-1234567890abcdef'

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

async function logged(chunks: readonly string[]) {
  const child = await world.start({ slots: { TOKEN: SECRET }, guard: guardOf(SECRET) })
  await call(child, 'stderr', { chunks })
  const { withheldLines } = await child.end('session_closed')
  const lines = world.lines.filter((line) => line.includes(`process ${child.pid}`))
  return { withheldLines, text: lines.join('\n') }
}

test.each([
  ['as it is', [`TOKEN=${SECRET}\n`]],
  ['in base64', [`authorization: Basic ${Buffer.from(`alice:${SECRET}`).toString('base64')}\n`]],
  ['in one character at a time', [...`TOKEN=${SECRET}\n`]],
  ['over two lines', [`TOKEN=${SECRET.slice(0, 9)}\n${SECRET.slice(9)}\n`]],
  ['at the end, without a line end', [`TOKEN=${SECRET}`]],
  ['with carriage returns between progress', [`\r 1 %\r ${SECRET}\r 2 %`]],
])('a secret is not logged: %s', async (_how, chunks) => {
  const { text, withheldLines } = await logged(chunks)
  expect(withheldLines).toBeGreaterThan(0)
  expect(text).toContain('withheld')
  expect(text).not.toContain(SECRET.slice(0, 9))
  expect(text).not.toContain(SECRET.slice(9))
})

test('no part of a secret that stands where a long line is cut is logged', async () => {
  for (const before of [1_995, 65_530]) {
    const { text } = await logged([`${'x'.repeat(before)}${SECRET} and more ${'y'.repeat(100_000)}\n`])
    expect(text).not.toContain(SECRET.slice(0, 5))
  }
})

test('a child that floods its standard error is cut off, and so is the searching', async () => {
  const line = `${'noise '.repeat(1_000)}\n`
  const { text } = await logged([...Array.from({ length: 300 }, () => line), `${SECRET}\n`])
  expect(text.length).toBeLessThan(1_000_000)
  expect(text).toContain('more lines of standard error')
  expect(text).not.toContain(SECRET)
})

test('a line cannot forge another line of the log, or a code for a terminal', async () => {
  const { text } = await logged(['one\u001b[2J\u2028two\n'])
  // The log itself makes them printable; here each line of the child is one message.
  expect(text.split('\n')).toHaveLength(1)
})
