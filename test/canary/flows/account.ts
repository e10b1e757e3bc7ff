import type { Faults } from '../faults.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import type { World } from '../world.ts'
import { talkative } from './saving.ts'

/** Presses Test on the user's own page, and expects these words. */
async function tests(world: World, words: string, verify?: Faults['verify']): Promise<void> {
  world.faults = verify ? { verify } : {}
  const { text } = await world.alice.press('/credentials/canary/test')
  world.faults = {}
  expectThat(text.includes(words), `"${words}"`)
}

/** The page reads stored values for its test alone, and shows none. */
export const account: readonly Flow[] = [
  flow('own page: list, test, replace, revoke', async (world) => {
    await world.saved()
    for (const path of ['/credentials', '/credentials/canary/revoke']) expectStatus(await world.alice.get(path), 200)
    await tests(world, 'accepts your credential')
    expectStatus(await world.alice.press('/credentials/canary/connect'), 303)
    expectStatus(await world.alice.press('/credentials/canary/revoke', '/credentials/canary/revoke'), 200)
    expectStatus(await world.alice.get('/credentials'), 200)
  }),
  flow('own page: the service refuses, quotes and fails, and a refusal is undone', async (world) => {
    await world.saved()
    const all = Object.values(world.secrets.values).join(' ')
    await tests(world, 'could not be asked', async () => {
      throw talkative(world.secrets)
    })
    await tests(world, 'does not accept your credential', async () => ({ ok: false, problem: `Not known: ${all}` }))
    const undone = await world.alice.press('/credentials/canary/reinstate')
    expectThat(undone.text.includes('in use again'), 'an undo')
    await tests(world, 'accepts your credential', async () => ({ ok: true, accountName: all }))
  }),
]
