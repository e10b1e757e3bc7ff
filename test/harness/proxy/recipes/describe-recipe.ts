import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { storageKey } from '../../../../src/core/model/storage-key.ts'
import { type RecipeHarness, startRecipe } from './recipe-harness.ts'

/** What a test of a recipe needs of the service behind its server. */
export interface RecipeWorld {
  /** What stands in the page and is elsewhere here. */
  readonly replaced: Readonly<Record<string, string>>
  /** What each user enters. */
  readonly values: Readonly<Record<'alice' | 'bob', Readonly<Record<string, string>>>>
  /** Who has done something at the service so far, in order; for a server that has one. */
  readonly done?: () => readonly string[]
  close(): Promise<void>
}

export interface Recipe {
  readonly heading: string
  /** Name under which the credential is stored. */
  readonly provider: string
  readonly tool: string
  readonly parameters?: (user: string) => object
  /** What the tool's answer contains, if this user has called it. */
  readonly answerOf: (user: string) => string
  readonly start: () => Promise<RecipeWorld>
}

/** Tests that two users act as themselves at the service, and that a revocation ends it. */
export function describeRecipe(given: Recipe): void {
  const { heading, provider, tool, parameters = () => ({}), answerOf, start } = given
  describe(heading, () => {
    let world: RecipeWorld
    let recipe: RecipeHarness

    beforeAll(async () => {
      world = await start()
      recipe = await startRecipe({ heading, replaced: world.replaced })
    })
    afterEach(async () => {
      for (const user of ['alice', 'bob']) await recipe.harness.forget(user, provider)
    })
    afterAll(async () => {
      await recipe?.close()
      await world?.close()
    })

    const connect = (user: 'alice' | 'bob') => recipe.connect(user, world.values[user])

    test('Alice and Bob are each asked once, and act as themselves', async () => {
      const [alice, bob] = await Promise.all([connect('alice'), connect('bob')])
      for (let turn = 0; turn < 2; turn += 1) {
        const [toAlice, toBob] = await Promise.all([
          alice.answer(tool, parameters('alice')),
          bob.answer(tool, parameters('bob')),
        ])
        expect(toAlice).toContain(answerOf('alice'))
        expect(toAlice).not.toContain(answerOf('bob'))
        expect(toBob).toContain(answerOf('bob'))
        expect(toBob).not.toContain(answerOf('alice'))
      }
      expect([alice.links.length, bob.links.length]).toEqual([1, 1])
      if (world.done) expect(new Set(world.done())).toEqual(new Set(['alice', 'bob']))
      expect((await alice.client.listTools()).tools.map(({ name }) => name)).toContain(tool)
    })

    test('after a revocation nothing more is done as Alice, she is asked, and Bob goes on', async () => {
      const [alice, bob] = await Promise.all([connect('alice'), connect('bob')])
      await Promise.all([alice.answer(tool, parameters('alice')), bob.answer(tool, parameters('bob'))])
      const { harness } = recipe
      const call = { signal: new AbortController().signal, correlationId: 'test' }
      const key = storageKey(provider, harness.owner('alice'))
      await harness.backend.revoke(key, { expect: 'any', purge: false, operationId: randomUUID() }, call)
      const silent = await recipe.connectSilent('alice')
      await expect.poll(() => silent.answer(tool, parameters('alice'))).toContain(`/credentials/${provider}/entry`)
      const doneByAlice = () => world.done?.().filter((who) => who === 'alice').length
      const before = doneByAlice()
      await silent.answer(tool, parameters('alice'))
      expect(doneByAlice()).toBe(before)
      expect(await bob.answer(tool, parameters('bob'))).toContain(answerOf('bob'))
      expect(await alice.answer(tool, parameters('alice'))).toContain(answerOf('alice'))
      expect(alice.links).toHaveLength(2)
    })

    test('no credential is in what the proxy logs of it, nor in what the server prints', () => {
      const secrets = Object.values(world.values).flatMap((values) =>
        Object.values(values).filter((one) => one.length > 12),
      )
      const printed = recipe.printed()
      expect(secrets.filter((secret) => printed.includes(secret))).toEqual([])
      expect(secrets.filter((secret) => JSON.stringify(recipe.harness.audit.events).includes(secret))).toEqual([])
    })
  })
}
