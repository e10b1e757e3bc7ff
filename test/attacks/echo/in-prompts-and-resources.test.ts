import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { COMPLETES, type KindsClient, kindsV1, kindsV2, READS, type Say } from '../../harness/gated-kinds.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { type HarnessV2, startHarnessV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

let first: Harness
let second: HarnessV2
let say: Say = () => ''
let wire: Promise<string>[] = []
beforeAll(async () => {
  const options = { say: (secret: string, how: string) => say(secret, how) }
  first = await startHarness({ tools: kindsV1(options) })
  second = await startHarnessV2({ tools: kindsV2(options) })
  for (const harness of [first, second])
    await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
})
afterEach(() => {
  wire = []
})
afterAll(async () => {
  await first.close()
  await second.close()
})

/** Keeps all bytes that the client receives. */
const recorded: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  if (init?.method === 'POST') wire.push(response.clone().text())
  return response
}

const SIDES: Readonly<Record<string, () => Promise<[Harness, KindsClient]>>> = {
  'SDK 1.x': async () => [first, (await first.connect('alice', { fetch: recorded })).client],
  'SDK 2.x, MCP 2026-07-28': async () => [second, (await second.connectV2('alice', { fetch: recorded })).client],
  'SDK 2.x, MCP 2025-11-25': async () => [
    second,
    (await second.connectV2('alice', { era: 'legacy', fetch: recorded })).client,
  ],
}

const FORMS: Readonly<Record<string, Say>> = {
  plain: (secret) => `the token is ${secret}.`,
  'in base64': (secret) => Buffer.from(`Bearer ${secret}`).toString('base64'),
  reversed: (secret) => [...secret].reverse().join(''),
  'JSON in JSON': (secret) => JSON.stringify(JSON.stringify({ secret })),
}

/** Kind, and what its handler is told: `blob` makes a resource answer with a blob. */
const READING = [...Object.keys(READS).map((kind) => [kind, 'text']), ['template', 'blob']] as [string, string][]
const CASES = Object.keys(SIDES).flatMap((side) =>
  READING.flatMap(([kind, how]) => Object.keys(FORMS).map((form) => [side, kind, how, form] as const)),
)

async function received(): Promise<string> {
  return (await Promise.all(wire)).join('\n')
}

test.each(CASES)('%s: a %s (%s) with the secret %s is withheld', async (side, kind, how, form) => {
  const [harness, client] = (await SIDES[side]?.()) ?? []
  const echoed = () => harness?.audit.events.filter(({ type }) => type === 'credential.echoed').length ?? 0
  const before = echoed()
  say = FORMS[form] ?? say
  const text = await READS[kind]?.(client as KindsClient, how).catch((error: Error) => error.message)
  expect(text).toContain('withheld')
  const bytes = await received()
  for (const sent of [SECRET, say(SECRET, how), Buffer.from(say(SECRET, how)).toString('base64')])
    expect(bytes).not.toContain(sent)
  expect(echoed()).toBe(before + 1)
})

test.each(Object.keys(SIDES))('%s: an error that a prompt or resource throws is withheld too', async (side) => {
  const [, client] = (await SIDES[side]?.()) ?? []
  say = (secret) => {
    throw Object.assign(new Error(`401 for ${secret}`), { code: -32_000, data: { token: secret } })
  }
  for (const read of Object.values(READS)) {
    const text = await read(client as KindsClient).catch((error: Error) => error.message)
    expect(text).toContain('withheld')
  }
  expect(await received()).not.toContain(SECRET)
})

test.each(Object.keys(SIDES).flatMap((side) => Object.keys(COMPLETES).map((kind) => [side, kind] as const)))(
  '%s: a completion of a %s with the secret completes to nothing',
  async (side, kind) => {
    const [harness, client] = (await SIDES[side]?.()) ?? []
    const echoed = () => harness?.audit.events.filter(({ type }) => type === 'credential.echoed').length ?? 0
    for (const form of Object.values(FORMS)) {
      say = form
      const before = echoed()
      expect(await COMPLETES[kind]?.(client as KindsClient, 'a')).toEqual([])
      expect(echoed()).toBe(before + 1)
    }
    say = (secret) => {
      throw new Error(`401 for ${secret}`)
    }
    expect(await COMPLETES[kind]?.(client as KindsClient, 'a')).toEqual([])
    const bytes = await received()
    for (const form of Object.values(FORMS)) if (form !== say) expect(bytes).not.toContain(form(SECRET, 'a'))
    expect(bytes).not.toContain(SECRET)
    say = () => 'harmless'
    expect(await COMPLETES[kind]?.(client as KindsClient, 'a')).toEqual(['a', 'harmless'])
  },
)
