import { expect, onTestFinished, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { CredentialsProviderOptions } from '../../../src/vault/provider/credentials-provider-options.ts'
import { fillIn, type Harness, linkIn, startHarness } from '../../harness/mcp-harness.ts'

const DAY = 86_400_000
const variables = { pat: { label: 'Token', type: 'password' }, site: { label: 'Site', type: 'string' } } as const
const call = () => ({ signal: new AbortController().signal, correlationId: 'by-hand' })
const keyOf = (harness: Harness) => storageKey('jira', harness.owner('alice'))

async function started(jira: Partial<CredentialsProviderOptions<never>>): Promise<Harness> {
  const harness = await startHarness({ cacheSeconds: 0, jira: { variables, ...jira } as never })
  onTestFinished(() => harness.close())
  return harness
}

async function stored(harness: Harness, labels: object | undefined, values: Record<string, string>): Promise<void> {
  const intent = { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: crypto.randomUUID(), labels } as const
  await harness.backend.write(keyOf(harness), values, intent as never, call())
}
const labelsOf = async (harness: Harness) => {
  const found = await harness.backend.stat(keyOf(harness), call())
  return found.status === 'active' ? found.labels : undefined
}

test('adding a field to a kept token does not give it another whole longest life', async () => {
  const harness = await started({ maxAgeDays: 90 })
  // Saved 89 days ago: one day is left.
  await stored(harness, { expiresAt: new Date(Date.now() + DAY) }, { pat: 'tok-old-0001' })
  const alice = await harness.connect('alice')
  await fillIn(linkIn((await alice.text('read_secret')).text), 'alice', { site: 'acme' })
  const found = await harness.backend.read(keyOf(harness), call())
  expect(found).toMatchObject({ values: { pat: 'tok-old-0001', site: 'acme' } })
  expect((await labelsOf(harness))?.expiresAt?.getTime()).toBeLessThanOrEqual(Date.now() + DAY)
})

test('adding a field to a kept token keeps the end that is known of it, and its account', async () => {
  const harness = await started({ expiry: 'optional' })
  await stored(harness, { expiresAt: new Date(Date.now() + DAY), accountName: 'Alice A' }, { pat: 'tok-old-0001' })
  const alice = await harness.connect('alice')
  await fillIn(linkIn((await alice.text('read_secret')).text), 'alice', { site: 'acme' })
  expect(await harness.backend.read(keyOf(harness), call())).toMatchObject({ values: { site: 'acme' } })
  expect(await labelsOf(harness)).toMatchObject({ expiresAt: expect.any(Date), accountName: 'Alice A' })
})

test('the longest life holds for a version whose label was erased, or never written', async () => {
  const harness = await started({ maxAgeDays: 1 })
  // As rotate, seed, import, and the vendor's own tool write it: without labels. Time passes.
  const { backend } = harness
  await stored(harness, undefined, { pat: 'tok-old-0001', site: 'acme' })
  const stat = backend.stat.bind(backend)
  const read = backend.read?.bind(backend)
  const aged = <T extends { status: string }>(found: T): T =>
    found.status === 'active'
      ? ({
          ...found,
          version: { ...(found as never as { version: object }).version, createdAt: new Date(Date.now() - 400 * DAY) },
        } as never)
      : found
  Object.assign(backend, {
    stat: async (...given: never) => aged(await stat(...(given as [never, never]))),
    read: async (...given: never) => aged(await read(...(given as [never, never]))),
  })
  const alice = await harness.connect('alice')
  expect((await alice.text('read_secret')).text).toContain('expired')
})
