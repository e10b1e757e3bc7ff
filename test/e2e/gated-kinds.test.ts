import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { COMPLETES, type KindsClient, kindsV1, kindsV2, READS } from '../harness/gated-kinds.ts'
import { fillIn, type Harness, linkIn, startHarness } from '../harness/mcp-harness.ts'
import { type HarnessV2, startHarnessV2 } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const ANSWER = `a secret of ${SECRET.length} characters`
const KINDS = Object.keys(READS)

let first: Harness
let second: HarnessV2
let stateless: Harness
let ran: string[] = []
const filling: Promise<unknown>[] = []
beforeAll(async () => {
  const options = { ran: (kind: string) => void ran.push(kind) }
  first = await startHarness({ tools: kindsV1(options) })
  second = await startHarnessV2({ tools: kindsV2(options) })
  stateless = await startHarness({ mount: { mode: 'stateless' }, tools: kindsV1(options) })
})
afterEach(async () => {
  await Promise.all(filling.splice(0))
  ran = []
  for (const harness of [first, second, stateless]) await harness.forget('alice')
})
afterAll(async () => {
  await first.close()
  await second.close()
  await stateless.close()
})

const fill = (link: string) => fillIn(link, 'alice', { pat: SECRET })
function whileFilling(link: string): 'accept' {
  filling.push(fill(link))
  return 'accept'
}

interface Side {
  /** What the audit log calls the prompt: a client of MCP 2025-11-25 sends no name that the gate could know. */
  readonly prompt: string
  readonly harness: () => Harness
  readonly connect: (asks: boolean) => Promise<{ client: KindsClient; links: readonly string[] }>
}

const SIDES: Readonly<Record<string, Side>> = {
  'SDK 1.x': {
    prompt: 'prompt note',
    harness: () => first,
    connect: (asks) => first.connect('alice', asks ? { onLink: whileFilling } : {}),
  },
  'SDK 2.x, MCP 2026-07-28': {
    prompt: 'prompt note',
    harness: () => second,
    connect: (asks) => second.connectV2('alice', asks ? { onLink: whileFilling } : {}),
  },
  'SDK 2.x, MCP 2025-11-25': {
    prompt: 'prompt',
    harness: () => second,
    connect: (asks) => second.connectV2('alice', { era: 'legacy', ...(asks && { onLink: whileFilling }) }),
  },
}

describe.each(Object.entries(SIDES))('%s', (_, { prompt, harness, connect }) => {
  const requested = () => harness().audit.events.filter(({ type }) => type === 'credential.requested')

  test.each(KINDS)('%s: the user is asked once, the handler runs, and the next one asks nothing', async (kind) => {
    const { client, links } = await connect(true)
    const before = requested().length
    expect(await READS[kind]?.(client)).toContain(ANSWER)
    expect(links).toHaveLength(1)
    expect(requested()).toHaveLength(before + 1)
    expect(await READS[kind]?.(client)).toContain(ANSWER)
    expect(links).toHaveLength(1)
    expect(ran).toEqual([kind, kind])
  })

  test('a prompt answers a client without URL mode with a message that has the link', async () => {
    const { client } = await connect(false)
    const text = (await READS['prompt']?.(client)) ?? ''
    expect(text).toContain('"role":"user"')
    expect(ran).toEqual([])
    await fill(linkIn(text.replace(/["\\]/g, ' ')))
    expect(await READS['prompt']?.(client)).toContain(ANSWER)
  })

  test.each(['resource', 'template'])('%s: a client without URL mode gets an error with the link', async (kind) => {
    const { client } = await connect(false)
    const refused = await READS[kind]?.(client).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: -32_603 })
    expect(ran).toEqual([])
    await fill(linkIn((refused as Error).message))
    expect(await READS[kind]?.(client)).toContain(ANSWER)
  })

  test.each(Object.keys(COMPLETES))('%s completion: nothing without a credential, and no link', async (kind) => {
    const { client, links } = await connect(true)
    const before = requested().length
    expect(await COMPLETES[kind]?.(client)).toEqual([])
    expect([links, ran]).toEqual([[], []])
    expect(requested()).toHaveLength(before)
    await READS['prompt']?.(client)
    expect(await COMPLETES[kind]?.(client, 'te')).toEqual(['te', ANSWER])
  })

  test('the audit log names the kind', async () => {
    const { client } = await connect(true)
    await READS['prompt']?.(client)
    await READS['resource']?.(client)
    await READS['template']?.(client)
    await COMPLETES['prompt']?.(client)
    const tools = harness()
      .audit.events.filter(({ type }) => type === 'credential.resolved')
      .map(({ tool }) => tool)
    expect(tools.slice(-4)).toEqual([prompt, 'resource', 'resource by', 'completion'])
  })
})

test("on a stateless mount the SDK's client rejects with the link, which is the same for all, and completes to nothing", async () => {
  const { client } = await stateless.connect('alice')
  const links = new Set<string>()
  for (const read of Object.values(READS)) {
    const error = await read(client).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UrlElicitationRequiredError)
    const { elicitations, message } = error as UrlElicitationRequiredError
    expect(linkIn(message)).toBe(elicitations[0]?.url)
    links.add(linkIn(message))
  }
  expect(await COMPLETES['prompt']?.(client)).toEqual([])
  expect([links.size, ran]).toEqual([1, []])
  await fill([...links][0] ?? '')
  for (const read of Object.values(READS)) expect(await read(client)).toContain(ANSWER)
  expect(await COMPLETES['template']?.(client)).toEqual(['text', ANSWER])
})
