import { afterAll, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { type OpenBao, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { type SealedStore, sealedStore } from '../../harness/hashicorp-vault/sealed-store.ts'
import { fillIn, type Harness, linkIn, startHarness } from '../../harness/mcp-harness.ts'

// The whole way, with real calls and the form: the administrator of the store gives one user another's record.
let bao: OpenBao
let store: SealedStore
let harness: Harness

beforeAll(async () => {
  bao = await startOpenBao()
  store = await sealedStore(bao)
  harness = await startHarness({ backend: store.make(), cacheSeconds: 0 })
})
afterAll(async () => {
  await harness.close()
  await bao.stop()
})

const keyOf = (user: string) => storageKey('jira', harness.owner(user))

async function connected(user: string, pat: string) {
  const client = await harness.connect(user)
  await fillIn(linkIn((await client.text()).text), user, { pat })
  expect((await client.text()).text).toBe(`a secret of ${pat.length} characters`)
  return client
}

test('the call fails as tampered, is logged, and offers no link; a new save by the owner ends it', async () => {
  const alice = await connected('alice', 'tok-alice-41c7')
  const bob = await connected('bob', 'tok-bob-9d02-longer')
  await store.administrator.put(keyOf('alice'), await store.held(keyOf('bob')))

  const refused = await alice.text()
  expect(refused.isError).toBe(true)
  expect(linkIn(refused.text)).toBe('')
  expect(refused.text).not.toMatch(/not connected|tok-|bob|a secret of/i)
  expect(harness.audit.events.filter(({ type }) => type === 'record.tampered')).toMatchObject([
    { reason: 'swapped', outcome: 'error', owner: harness.owner('alice') },
  ])
  expect((await bob.text()).text).toBe('a secret of 19 characters')

  await harness.vault.endSessions(harness.owner('alice'))
  await harness.forget('alice')
  await fillIn(linkIn((await alice.text()).text), 'alice', { pat: 'tok-alice-new-77a1' })
  expect((await alice.text()).text).toBe('a secret of 18 characters')
  const names = Object.keys(await store.held(keyOf('alice')))
  expect(names).toEqual(['mcp-sealed'])
})
