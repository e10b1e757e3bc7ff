import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call } from '../../../src/testing/secret-backend/calls.ts'
import { rowOf, startAccountServer } from '../../harness/browser/account-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'
import { type OpenBao, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { ALICE, sealedStore } from '../../harness/hashicorp-vault/sealed-store.ts'
import { fillIn, linkIn, startHarness } from '../../harness/mcp-harness.ts'

// An operator who follows Vault's habits, or an administrator who means harm, stores a value with `bao kv put`.
let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(() => bao.stop())

test('the server warns once a minute with the correlation id that the user is told, and with no value', async () => {
  const store = await sealedStore(bao)
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const harness = await startHarness({ backend: store.make(), cacheSeconds: 0, warn })
  onTestFinished(() => harness.close())
  const alice = await harness.connect('alice')
  await fillIn(linkIn((await alice.text()).text), 'alice', { pat: 'tok-alice-41c7' })
  await store.administrator.put(storageKey('jira', harness.owner('alice')), { pat: 'canary-by-hand' })

  const refused = await alice.text()
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('(not_sealed)') })
  const [, id = ''] = /correlation id ([\w-]{36})\.$/.exec(refused.text) ?? []
  expect((await alice.text()).text).not.toContain(id)

  const told = warnings.filter((message) => message.includes('is not sealed'))
  expect(told).toEqual([expect.stringContaining(`(not_sealed, correlation id ${id})`)])
  expect(told[0]).toContain(`${store.mount}/mcp/jira/`)
  expect(warnings.join()).not.toMatch(/canary|tok-alice/)
  expect(harness.audit.events).toContainEqual(expect.objectContaining({ type: 'record.tampered', correlationId: id }))
})

test("the owner's page does not call it connected, and the owner can revoke it there", async () => {
  const store = await sealedStore(bao)
  const server = await startAccountServer({ backend: await store.open() })
  onTestFinished(() => server.close())
  await server.save('alice')
  const alice = visitorOf(server)
  await alice.signInToAccount('alice')
  const row = async () => rowOf((await alice.get('/credentials')).text, 'Jira')
  expect(await row()).toMatch(/^Jira Connected/)
  await store.administrator.put(server.keyOf('alice'), { pat: 'canary-by-hand' })
  expect(await row()).toMatch(/^Jira Cannot be shown .* Revoke Jira$/)
})

test('what stat says of it: that it is refused, unless plain values are accepted or a label hides it', async () => {
  const store = await sealedStore(bao)
  const backend = await store.open()
  await store.administrator.put(ALICE, { pat: 'canary-by-hand' })
  expect(await backend.stat(ALICE, call())).toMatchObject({ status: 'active', refused: 'not_sealed' })
  expect(await (await store.open({ acceptPlain: true })).stat(ALICE, call())).not.toHaveProperty('refused')
  // A save by the owner ends it.
  const { ref } = await backend.write(
    ALICE,
    { pat: 'entered again' },
    { expect: 'any', audit: undefined, operationId: 'again' },
    call(),
  )
  expect(await backend.stat(ALICE, call())).toMatchObject({ status: 'active', version: { ref }, fields: ['pat'] })
  expect(await backend.stat(ALICE, call())).not.toHaveProperty('refused')
})
