import { rowOf } from '../../harness/browser/account-server.ts'
import type { Faults } from '../faults.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import type { World } from '../world.ts'
import { talkative } from './saving.ts'

const PAGE = '/credentials/canary@work'
const LABELS = ['Canary', 'Canary (work)'] as const

/** Saves a credential for both accounts, and leaves the tools answering with whether they got theirs. */
export async function savedBoth(world: World): Promise<void> {
  await world.saved('probe')
  await world.saved('work')
  world.probe = (handle) => handle.use((values) => String(values.long === world.secrets.of('long')))
}

export async function answers(world: World, tool: 'probe' | 'work', words: string): Promise<void> {
  const { text } = await world.clients.plain.call(tool)
  expectThat(text.includes(words), `"${words}" from the tool ${tool}, not "${text.slice(0, 60)}"`)
}

/** The states on the user's page, that of the account without a name first. */
export async function showsStates(world: World, ...states: readonly string[]): Promise<void> {
  const { text } = await world.alice.get('/credentials')
  for (const [at, label] of LABELS.entries()) {
    const row = rowOf(text, label)
    expectThat(row.startsWith(`${label} ${states[at]}`), `${label} to be ${states[at]}, not "${row.slice(0, 60)}"`)
  }
}

/** Presses Test in the account's row, and expects these words. */
async function tests(world: World, words: string, verify: Faults['verify']): Promise<void> {
  world.faults = verify ? { verify } : {}
  const { text } = await world.alice.press(`${PAGE}/test`)
  world.faults = {}
  expectThat(text.includes(words), `"${words}"`)
}

/** A provider with several accounts: each has a link, a form, a record, a row and a state of its own. */
export const accounts: readonly Flow[] = [
  flow('account: asked for, typed, used', async (world) => {
    const { text } = await world.clients.plain.call('work')
    expectThat(text.includes('Canary (work)') && text.includes('/canary@work/'), 'a link to the form of the account')
    await savedBoth(world)
    for (const tool of ['probe', 'work'] as const) await answers(world, tool, 'true')
  }),
  flow('account: chosen by the handler, which has it not yet', async (world) => {
    await world.saved()
    world.probe = (_, extra) => world.provider.getCredentials(extra, { account: 'work' }).use(({ long }) => long)
    const link = world.linkIn((await world.clients.plain.call()).text)
    expectStatus(await world.alice.submit(link, world.secrets.values), 303)
    await answers(world, 'probe', 'was withheld')
  }),
  flow('account: a secret in place of its name', async (world) => {
    await world.saved()
    for (const { value } of world.secrets.canaries) {
      world.probe = async (_, extra) => {
        const account = value as 'work'
        const error = await world.thrown(() => world.provider.getCredentials(extra, { account }))
        await world.thrown(() => world.provider.invalidateCredentials(world.owner, extra, { account }))
        throw error
      }
      await answers(world, 'probe', 'has no account of this name')
    }
  }),
  flow('account: rows, test, and a service that quotes and fails', async (world) => {
    await savedBoth(world)
    await showsStates(world, 'Connected', 'Connected')
    const all = Object.values(world.secrets.values).join(' ')
    await tests(world, 'Canary (work) could not be asked', async () => {
      throw talkative(world.secrets)
    })
    await tests(world, 'Canary (work) accepts', async () => ({ ok: true, accountName: all }))
    await tests(world, 'Canary (work) does not accept', async () => ({ ok: false, problem: `Not known: ${all}` }))
    await showsStates(world, 'Connected', 'Rejected by Canary')
    expectThat((await world.alice.press(`${PAGE}/reinstate`)).text.includes('in use again'), 'an undo')
    await showsStates(world, 'Connected', 'Connected')
  }),
  flow('account: rejected by a service that echoes it, then replaced', async (world) => {
    await savedBoth(world)
    const { probe } = world
    world.probe = (handle) => handle.fetch(`${world.services.bearer.origin}/echo`).then((answer) => answer.text())
    await answers(world, 'work', 'Canary (work) rejected your stored credential')
    await showsStates(world, 'Connected', 'Rejected by Canary')
    world.probe = probe
    await answers(world, 'probe', 'true')
    await world.saved('work')
    await showsStates(world, 'Connected', 'Connected')
    await answers(world, 'work', 'true')
  }),
  flow('account: replaced on the page, revoked there, and revoked by the author', async (world) => {
    await savedBoth(world)
    const opened = await world.alice.press(`${PAGE}/connect`)
    expectStatus(opened, 303)
    const link = world.linkIn(`${world.baseUrl}${String(opened.headers.location).replace(world.baseUrl, '')}`)
    expectStatus(await world.alice.submit(link, world.secrets.values), 303)
    expectStatus(await world.alice.get(link.done), 200)
    expectStatus(await world.alice.press(`${PAGE}/revoke`, `${PAGE}/revoke`), 200)
    await showsStates(world, 'Connected', 'Revoked')
    await answers(world, 'work', 'was revoked')
    await answers(world, 'probe', 'true')
    await world.saved('work')
    expectThat(
      await world.provider.invalidateCredentials(world.owner, undefined, { account: 'work' }),
      'a revocation of the account',
    )
    await showsStates(world, 'Connected', 'Revoked')
  }),
]
