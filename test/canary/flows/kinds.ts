import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import { usesAll } from './asking.ts'

/** What a client reads besides tools, as text; an error's message in place of an answer. */
const READS: Readonly<Record<string, (client: Client) => Promise<unknown>>> = {
  prompt: (client) => client.getPrompt({ name: 'probe', arguments: { word: 'a' } }),
  resource: (client) => client.readResource({ uri: 'canary://text' }),
  blob: (client) => client.readResource({ uri: 'canary://blob' }),
}

async function textOf(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    (value) => JSON.stringify(value),
    (error: unknown) => String((error as Error).message),
  )
}

async function completionsOf(client: Client): Promise<readonly string[]> {
  const ref = { type: 'ref/prompt', name: 'probe' } as const
  return (await client.complete({ ref, argument: { name: 'word', value: 'a' } })).completion.values
}

const reading = Object.entries(READS).flatMap(([kind, read]) => [
  flow(`${kind}: link, form, save, result`, async (world) => {
    world.probe = usesAll(world.secrets)
    // A quote of the JSON would be taken for a part of the link.
    const asked = (await textOf(read(world.clients.plain.client))).replaceAll('"', ' ')
    const link = world.linkIn(asked)
    expectStatus(await world.alice.submit(link, world.secrets.values), 303)
    const text = await textOf(read(world.clients.plain.client))
    const wanted = kind === 'blob' ? Buffer.from('all is well').toString('base64') : 'all is well'
    expectThat(text.includes(wanted), 'the handler to get what was typed')
  }),
  flow(`${kind} echoes, and throws with it`, async (world) => {
    await world.saved()
    for (const { kind: secret } of world.secrets.canaries) {
      const secretIn = (values: object) => String((values as Readonly<Record<string, string>>)[secret])
      world.probe = (handle) => handle.use((values) => `answer ${secretIn(values)} end`)
      expectThat((await textOf(read(world.clients.plain.client))).includes('was withheld'), `withheld, for ${secret}`)
      world.probe = (handle) =>
        handle.use((values) => {
          throw Object.assign(new Error(`401 for ${secretIn(values)}`), { data: { tried: secretIn(values) } })
        })
      expectThat((await textOf(read(world.clients.stateless.client))).includes('was withheld'), `thrown, for ${secret}`)
    }
  }),
])

export const kinds: readonly Flow[] = [
  ...reading,
  flow('completion echoes, and throws with it', async (world) => {
    await world.saved()
    world.probe = usesAll(world.secrets)
    expectThat((await completionsOf(world.clients.plain.client)).join() === 'all is well', 'a completion')
    for (const { kind: secret } of world.secrets.canaries) {
      const secretIn = (values: object) => String((values as Readonly<Record<string, string>>)[secret])
      world.probe = (handle) => handle.use((values) => secretIn(values))
      expectThat((await completionsOf(world.clients.plain.client)).length === 0, `nothing, for ${secret}`)
      world.probe = (handle) =>
        handle.use((values) => {
          throw new Error(secretIn(values))
        })
      expectThat((await completionsOf(world.clients.stateless.client)).length === 0, `nothing thrown, for ${secret}`)
    }
  }),
]
