import { inputRequired } from '@modelcontextprotocol/server'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import type { World } from '../world.ts'
import { usesAll } from './asking.ts'

const fill = (world: World, link: string) => world.alice.submit(world.linkIn(link), world.secrets.values)

async function answersWell(world: World): Promise<void> {
  world.modernProbe = usesAll(world.secrets)
  expectThat((await world.modern.asking.call()).text === 'all is well', 'the tool to get what was typed')
}

/** The tool does this with each value; the client has to learn that something was withheld. */
function withheld(name: string, work: (text: string) => unknown): Flow {
  return flow(`MCP 2026-07-28: ${name}`, async (world) => {
    await world.saved()
    for (const { kind } of world.secrets.canaries) {
      world.modernProbe = (handle) =>
        handle.use((values) => work(String((values as Readonly<Record<string, string>>)[kind])))
      const { text } = await world.modern.asking.call()
      expectThat(text.includes('was withheld'), `words about withholding, for ${kind}`)
    }
  })
}

const question = (text: string, url = 'https://example.com/') =>
  ({ inputRequests: { one: inputRequired.elicitUrl({ message: text, url }) } }) as const

/** A client of MCP 2026-07-28: questions are results, and states and answers travel with each call. */
export const modern: readonly Flow[] = [
  flow('MCP 2026-07-28: first call, form, save, result', async (world) => {
    let filling: Promise<unknown> = Promise.resolve()
    world.modern.asking.onLink = (link) => {
      filling = fill(world, link)
      return 'accept'
    }
    await answersWell(world)
    await filling
    await answersWell(world)
  }),
  flow('MCP 2026-07-28: client answers after the save', async (world) => {
    world.modern.asking.onLink = async (link): Promise<'accept'> => {
      expectStatus(await fill(world, link), 303)
      return 'accept'
    }
    await answersWell(world)
  }),
  flow('MCP 2026-07-28: declined', async (world) => {
    world.modern.asking.onLink = () => 'decline'
    expectThat((await world.modern.asking.call()).text.includes('declined'), 'words about declining')
  }),
  flow('MCP 2026-07-28: dismissed, then saved', async (world) => {
    world.modern.asking.onLink = () => 'cancel'
    expectStatus(await fill(world, (await world.modern.asking.call()).text), 303)
    await answersWell(world)
  }),
  flow('MCP 2026-07-28: text fallback and strict', async (world) => {
    const { text } = await world.modern.plain.call()
    await world.thrown(() => world.modern.plain.call('strict'))
    expectStatus(await fill(world, text), 303)
    world.modernProbe = usesAll(world.secrets)
    expectThat((await world.modern.plain.call('strict')).text === 'all is well', 'the tool to get what was typed')
  }),
  withheld('tool echoes', (text) => `answer ${text} end`),
  withheld('tool throws with it', (text) => {
    throw new Error(`401 for ${text}`)
  }),
  withheld('tool asks with it in the message', (text) => inputRequired(question(text))),
  withheld('tool asks with it in the address', (text) =>
    inputRequired(question('Open it', `https://example.com/?q=${encodeURIComponent(text)}`)),
  ),
  withheld('tool keeps it in its state', (text) => inputRequired({ requestState: `state ${text}` })),
  flow('MCP 2026-07-28: tool sends it as progress', async (world) => {
    await world.saved()
    world.modernProbe = (handle, ctx) =>
      handle.use(async ({ long }) => {
        const params = { progressToken: 1, progress: 1, message: String(long) }
        const error = await world.thrown(() => ctx.mcpReq.notify({ method: 'notifications/progress', params }))
        return (error as { code?: string }).code
      })
    expectThat((await world.modern.asking.call()).text.includes('secret_echoed'), 'the message to be refused')
  }),
]
