import { inputRequired } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { search, withWorld } from './canary.ts'
import { createDetector } from './detector.ts'
import { ENCODINGS, utf16Bytes } from './encodings.ts'
import { appState } from './modern.ts'
import { canarySet } from './secrets.ts'
import { sinks } from './sinks.ts'
import type { World } from './world.ts'

// The canary can only be believed when it is shown to fail: here every sink leaks on purpose, in every encoding.

const secrets = canarySet()
const FORM = { type: 'object' as const, properties: {} }
const detector = createDetector(secrets)
const kinds = secrets.canaries.map(({ kind }) => kind)

let world: World
let end: () => void
let ended: Promise<void>
beforeAll(async () => {
  await new Promise<void>((opened, failed) => {
    ended = withWorld(secrets, true, async (one) => {
      world = one
      const closing = new Promise<void>((resolve) => {
        end = resolve
      })
      opened()
      await closing
    })
    ended.catch(failed)
  })
  await search(world, sinks, detector)
})
afterAll(async () => {
  end()
  await ended
})

/** Kinds that are found in the sink while this leaks into it. */
async function found(name: string, text: string): Promise<readonly string[]> {
  const sink = sinks.find((one) => one.name === name)
  const undo: unknown = await sink?.plant(world, text)
  const content = await sink?.read(world)
  if (typeof undo === 'function') undo()
  return detector.findIn(content ?? '')
}

describe.each(sinks.map(({ name }) => name))('a leak into %s is found', (name) => {
  test.each(Object.entries(ENCODINGS))('%s', async (_, encode) => {
    const all = secrets.canaries.map(({ value }) => encode(value)).join('\n')
    expect(await found(name, all)).toEqual(expect.arrayContaining(kinds))
  })

  test('the short secret, as a field of its own', async () => {
    expect(await found(name, `{"field":"${secrets.short}"}`)).toContain('short')
  })

  test('and nothing is found without one', async () => {
    expect(await found(name, 'nothing to see')).toEqual([])
  })
})

test('what a tool prints of an account of its user is found, there and nowhere else', async () => {
  await world.saved('work')
  await search(world, sinks, detector)
  world.probe = (handle) => handle.use((values) => void process.stdout.write(Object.values(values).join('\n')))
  await world.clients.plain.call('work')
  const found = [...(await search(world, sinks, detector))].filter(([, { kinds: leaked }]) => leaked.length > 0)
  await world.reset()
  expect(found.map(([name]) => name)).toEqual(['stdout'])
  expect(found[0]?.[1].kinds).toEqual(expect.arrayContaining([...kinds, 'short']))
})

test.each([
  [
    'question',
    (text: string) => ({ inputRequests: { ask: inputRequired.elicit({ message: text, requestedSchema: FORM }) } }),
  ],
  ['state', (text: string) => ({ requestState: text })],
  ['signed state', async (text: string) => ({ requestState: await appState.mint({ step: text }) })],
] as const)('a leak in the %s of a leg of MCP 2026-07-28 is found', async (_, leg) => {
  const all = secrets.canaries.map(({ value }) => value).join('\n')
  await search(world, sinks, detector)
  let legs = 0
  world.modernProbe = async () => (legs++ === 0 ? inputRequired(await leg(all)) : { content: [] })
  // The application's hook refuses a state that it has not signed.
  await world.modern.asking.call('planted').catch(() => undefined)
  const found = await search(world, sinks, detector)
  await world.reset()
  expect(found.get('mcp responses')?.kinds).toEqual(expect.arrayContaining(kinds))
})

test('a leak in UTF-16 is found in a file', async () => {
  for (const { kind, value } of secrets.canaries) expect(await found('folders', utf16Bytes(value))).toContain(kind)
})

test('every piece of a secret of 50 characters is recognised, and so is a copy that was cut', () => {
  for (const { kind, value } of secrets.canaries) {
    for (const length of [50, value.length]) {
      expect(detector.findIn(value.slice(0, length)), `${kind}, head`).toContain(kind)
      expect(detector.findIn(value.slice(-length)), `${kind}, tail`).toContain(kind)
    }
  }
})

test('the sinks start clean, and the secrets have nothing in common', () => {
  expect(new Set(kinds).size).toBe(kinds.length)
  for (const { kind, value } of secrets.canaries) expect(detector.findIn(value)).toEqual([kind])
})
