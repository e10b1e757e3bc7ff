import { randomUUID } from 'node:crypto'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { SEALED_FIELD } from '../../../src/core/model/stored-values.ts'
import { call } from '../../../src/testing/secret-backend/calls.ts'
import { accountToken } from '../../harness/browser/visitor.ts'
import { expectThat, type Flow, flow } from '../flow.ts'
import type { SealedPlace } from '../sealed-place.ts'
import { ACCOUNTS, type World } from '../world.ts'
import { answers, savedBoth, showsStates } from './accounts.ts'

type Restart = Parameters<SealedPlace['restart']>[0]

const keyOf = ({ owner }: World, account: (typeof ACCOUNTS)[number] = 'canary') => storageKey(account, owner)

function placeOf({ store }: World): SealedPlace {
  if (!store.sealed) throw new Error('The store has no envelope.')
  return store.sealed
}

/** The server starts anew with these keys: nothing is in its memory then. */
async function restarts(world: World, options: Restart): Promise<void> {
  await placeOf(world).restart(options)
  forgets(world)
}

function forgets(world: World): void {
  for (const account of ACCOUNTS) world.inner.reader.forget(keyOf(world, account))
}

/** Reading ends with this error, for the tool and in the account's row. */
async function refuses(world: World, reason: string): Promise<void> {
  forgets(world)
  world.probe = async (handle) => {
    const error = await world.thrown(() => handle.use(() => 'used'))
    return `${(error as { code?: string }).code} ${(error as { reason?: string }).reason}`
  }
  const { text } = await world.clients.plain.call()
  expectThat(text.includes(reason), `"${reason}", not "${text.slice(0, 200)}"`)
  const page = await world.alice.get('/credentials')
  // Where the names of the fields show it, the row says so; otherwise a test does.
  if (accountToken(page.text, '/credentials/canary/test') === '')
    await showsStates(world, 'Cannot be shown', 'Connected')
  else {
    const tested = await world.alice.press('/credentials/canary/test')
    expectThat(tested.text.includes('could not be tested'), 'a test that could not be made')
  }
  forgets(world)
}

async function reseals(world: World, count: number): Promise<void> {
  const request = { dryRun: false, onProgress: () => undefined }
  const report = await placeOf(world).backend.resealing?.reseal(request, AbortSignal.timeout(20_000))
  expectThat(report?.resealed === count, `${count} records sealed again, not ${report?.resealed}`)
}

/** Values are sealed in this process, and opened here: neither the store nor an error has any. */
export const envelope: readonly Flow[] = [
  flow('envelope: saved, used, and held by the store', async (world) => {
    await savedBoth(world)
    world.objects.set('envelope', placeOf(world).backend)
    for (const tool of ['probe', 'work'] as const) await answers(world, tool, 'true')
    for (const account of ACCOUNTS) {
      const fields = await placeOf(world).held.fields(keyOf(world, account))
      expectThat(Object.keys(fields).join() === SEALED_FIELD, 'one sealed field')
    }
  }),
  flow('envelope: a new key, the earlier one accepted, then gone, then lost', async (world) => {
    const [first = '', second = '', other = ''] = placeOf(world).keys
    await savedBoth(world)
    await restarts(world, { key: second, acceptedKeys: [first] })
    for (const tool of ['probe', 'work'] as const) await answers(world, tool, 'true')
    await world.provider.invalidateCredentials(world.owner)
    await world.saved()
    await reseals(world, 1)
    await restarts(world, { key: second })
    await showsStates(world, 'Connected', 'Connected')
    for (const tool of ['probe', 'work'] as const) await answers(world, tool, 'true')
    await restarts(world, { key: other })
    await refuses(world, 'unknown_seal_key')
    await restarts(world, { key: first })
  }),
  flow('envelope: a record of another account, a changed one, and one that is none', async (world) => {
    const { held, operator } = placeOf(world)
    await savedBoth(world)
    const own = await held.fields(keyOf(world))
    await operator.put(keyOf(world), await held.fields(keyOf(world, 'canary@work')))
    await refuses(world, 'swapped')
    await operator.put(keyOf(world), { [SEALED_FIELD]: `${own[SEALED_FIELD]?.slice(0, -8)}AAAAAAAA` })
    await refuses(world, 'seal')
    await operator.put(keyOf(world), { [SEALED_FIELD]: world.secrets.of('html').slice(0, 3) })
    await refuses(world, 'format')
  }),
  flow('envelope: values that an operator stored without a seal, sealed later', async (world) => {
    const { keys, operator, backend } = placeOf(world)
    const key = keys[0] ?? ''
    await savedBoth(world)
    const { probe } = world
    await operator.put(keyOf(world), world.secrets.values)
    await refuses(world, 'not_sealed')
    world.probe = probe
    await restarts(world, { key, acceptPlain: true })
    await answers(world, 'probe', 'true')
    await reseals(world, 1)
    await restarts(world, { key })
    await answers(world, 'probe', 'true')
    // The store keeps earlier versions, and the operator's own was in plain text.
    await backend.revoke(keyOf(world), { expect: 'any', purge: true, operationId: randomUUID() }, call())
  }),
]
