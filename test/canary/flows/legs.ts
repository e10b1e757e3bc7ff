import { inputRequired, inputResponse } from '@modelcontextprotocol/server'
import type { ToolExtra } from '../../../src/mcp/sdk-v2/index.ts'
import { ECHOED, ENCODINGS } from '../encodings.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import { appState, type ModernClient } from '../modern.ts'
import type { World } from '../world.ts'
import { usesAll } from './asking.ts'

const ERAS = ['asking', 'legacy'] as const
const SPOKEN = { asking: 'MCP 2026-07-28', legacy: 'MCP 2025-11-25' } as const

/** Calls, and does with the link what `action` says. Resolves to the call's text. */
async function whileAsked(world: World, client: ModernClient, action: 'accept' | 'decline' | 'cancel', tool?: string) {
  const links: string[] = []
  let filling: Promise<unknown> = Promise.resolve()
  client.onLink = (link) => {
    links.push(link)
    if (action === 'accept') filling = world.alice.submit(world.linkIn(link), world.secrets.values)
    return action
  }
  world.modernProbe = usesAll(world.secrets)
  const { text } = await client.call(tool)
  await filling
  expectThat(links.length === 1, 'one question')
  return text
}

/** The tool does this with each value; the client has to learn that something was withheld, in both eras. */
function withheld(name: string, work: (text: string) => unknown): Flow[] {
  return ERAS.map((era) =>
    flow(`${SPOKEN[era]}: ${name}`, async (world) => {
      await world.saved()
      for (const { kind } of world.secrets.canaries) {
        world.modernProbe = (handle) =>
          handle.use((values) => work(String((values as Readonly<Record<string, string>>)[kind])))
        const { text } = await world.modern[era].call()
        expectThat(text.includes('was withheld'), `words about withholding, for ${kind}`)
      }
    }),
  )
}

const FORM = { type: 'object' as const, properties: {} }

/** The tool sends a message with a value to the client in the middle of the call, which has to fail. */
function sends(name: string, send: (ctx: ToolExtra, text: string) => Promise<unknown>): Flow[] {
  return ERAS.map((era) =>
    flow(`${SPOKEN[era]}: tool sends ${name}`, async (world) => {
      await world.saved()
      world.modernProbe = (handle, ctx) =>
        handle.use(async ({ long }) => {
          const error = await world.thrown(() => send(ctx, String(long)))
          return (error as { code?: string }).code
        })
      const { text } = await world.modern[era].call()
      expectThat(text.includes('secret_echoed'), '"secret_echoed"')
    }),
  )
}

const asked = ERAS.flatMap((era) => [
  flow(`${SPOKEN[era]}: call, link, form, result`, async (world) => {
    expectThat((await whileAsked(world, world.modern[era], 'accept')) === 'all is well', 'a result')
    world.modernProbe = usesAll(world.secrets)
    expectThat((await world.modern[era].call()).text === 'all is well', 'a second result')
  }),
  flow(`${SPOKEN[era]}: client answers after the save`, async (world) => {
    world.modern[era].onLink = async (link): Promise<'accept'> => {
      expectStatus(await world.alice.submit(world.linkIn(link), world.secrets.values), 303)
      return 'accept'
    }
    world.modernProbe = usesAll(world.secrets)
    expectThat((await world.modern[era].call()).text === 'all is well', 'a result')
  }),
  flow(`${SPOKEN[era]}: declined`, async (world) => {
    expectThat((await whileAsked(world, world.modern[era], 'decline')).includes('declined'), 'words')
  }),
  flow(`${SPOKEN[era]}: dismissed, then saved`, async (world) => {
    const text = await whileAsked(world, world.modern[era], 'cancel')
    expectStatus(await world.alice.submit(world.linkIn(text), world.secrets.values), 303)
    expectThat((await world.modern[era].call()).text === 'all is well', 'a result')
  }),
  flow(`${SPOKEN[era]}: the tool asks a question of its own, with a state of its own`, async (world) => {
    await world.saved()
    const legs: string[] = []
    world.modernProbe = (handle, ctx) =>
      handle.use(async ({ long }) => {
        legs.push(String(ctx.mcpReq.requestState<{ step: string }>()?.step ?? 'first'))
        if (inputResponse(ctx.mcpReq.inputResponses, 'sure').kind !== 'missing') return `sure of ${long.length}`
        return inputRequired({
          inputRequests: { sure: inputRequired.elicit({ message: 'Are you sure?', requestedSchema: FORM }) },
          requestState: await appState.mint({ step: 'asked' }),
        })
      })
    const { text } = await world.modern[era].call()
    expectThat(text.startsWith('sure of '), 'the end of both flows')
    expectThat(legs.join() === 'first,asked', "the tool's own state and not the gate's")
  }),
])

export const legs: readonly Flow[] = [
  ...asked,
  flow('MCP 2026-07-28: legs without a wait', async (world) => {
    world.modern.asking.onLink = () => 'accept'
    world.modernProbe = usesAll(world.secrets)
    const { text } = await world.modern.asking.call('fail_fast')
    expectStatus(await world.alice.submit(world.linkIn(text), world.secrets.values), 303)
    expectThat((await world.modern.asking.call('fail_fast')).text === 'all is well', 'a result')
  }),
  flow('MCP 2026-07-28: text, and error -32021', async (world) => {
    world.modernProbe = usesAll(world.secrets)
    const error = await world.thrown(() => world.modern.plain.call('strict'))
    expectThat((error as { code?: number }).code === -32_021, 'error -32021')
    const { text } = await world.modern.plain.call()
    expectStatus(await world.alice.submit(world.linkIn(text), world.secrets.values), 303)
    expectThat((await world.modern.plain.call('strict')).text === 'all is well', 'a result')
  }),
  ...ECHOED.flatMap((name) => withheld(`tool echoes: ${name}`, (text) => `answer ${ENCODINGS[name]?.(text)} end`)),
  ...withheld('tool throws with it', (text) => {
    throw new Error(`401 for ${text}`)
  }),
  ...withheld('tool asks with it', (text) =>
    inputRequired({ inputRequests: { ask: inputRequired.elicit({ message: text, requestedSchema: FORM }) } }),
  ),
  ...withheld('tool asks with it in a link', (text) =>
    inputRequired({
      inputRequests: {
        ask: inputRequired.elicitUrl({ message: 'Open it.', url: `https://example.com/${encodeURIComponent(text)}` }),
      },
    }),
  ),
  ...withheld('tool keeps it in its state', (text) => inputRequired({ requestState: `state of ${text}` })),
  ...withheld('tool keeps it in its signed state', async (text) =>
    inputRequired({ requestState: await appState.mint({ step: text }) }),
  ),
  ...sends('progress', (ctx, text) =>
    ctx.mcpReq.notify({
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 1, message: text },
    }),
  ),
  ...sends('a log message', (ctx, text) => ctx.mcpReq.log('info', { text })),
  ...sends('a notification', (ctx, text) =>
    ctx.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data: text } }),
  ),
  ...sends('a question', (ctx, text) => ctx.mcpReq.elicitInput({ message: text, requestedSchema: FORM })),
]
