import { randomBytes } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { CHANGE_PURPOSES, createSharedChanges } from '../../../src/core/lifecycle/shared-changes.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'

const ALICE = { issuer: 'https://login.example.com', subject: 'alice' }

beforeAll(() => sodiumReady())

/** Two replicas, with a feed between them that can be slow or away. */
async function replicas() {
  const listeners: ((message: string) => void)[] = []
  const held: (() => void)[] = []
  const state = { isAway: false, isSlow: false }
  const feed = {
    name: 'test',
    async publish(message: string) {
      if (state.isAway) throw new CredentialVaultError('unavailable', 'away', { retryable: true })
      if (state.isSlow) await new Promise<void>((resolve) => held.push(resolve))
      for (const hear of listeners) hear(message)
    },
    async listen(onMessage: (message: string) => void) {
      listeners.push(onMessage)
    },
    close: async () => undefined,
  }
  const key = randomBytes(32)
  const [one, two] = [0, 1].map(() => createSharedChanges(feed, createSealer(key, CHANGE_PURPOSES)))
  if (!one || !two) throw new Error('two were created')
  const heard: string[] = []
  await two.listen({
    forget: ({ path }) => heard.push(path),
    forgetAll: () => heard.push('all'),
    cut: ({ subject }) => heard.push(`cut ${subject}`),
  })
  return { one, heard, state, held }
}

test('of more changes than may be under way, the others hear that they are to drop everything', async () => {
  const { one, heard, state, held } = await replicas()
  state.isSlow = true
  for (let i = 0; i < 1_500; i++) one.credential({ path: `path-${i}` })
  await expect.poll(() => held.length).toBe(1_000)
  state.isSlow = false
  for (const go of held) go()
  await one.close()
  expect(heard).toHaveLength(1_001)
  expect(heard).toContain('all')
})

test('an offboarding makes up for changes that were not announced, and rejects until it can', async () => {
  const { one, heard, state } = await replicas()
  state.isAway = true
  one.credential({ path: 'path' })
  await expect(one.offboarded(ALICE)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(one.offboarded(ALICE)).rejects.toMatchObject({ code: 'unavailable' })
  expect(heard).toEqual([])
  state.isAway = false
  await one.offboarded(ALICE)
  expect(heard.toSorted()).toEqual(['all', 'cut alice'])
})

test('an offboarding does not wait for a feed that never answers', async () => {
  const { one, state } = await replicas()
  state.isSlow = true
  await expect(one.offboarded(ALICE)).rejects.toMatchObject({ code: 'unavailable', reason: 'timeout' })
})
