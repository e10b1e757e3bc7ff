import { expect, onTestFinished, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { fillIn, linkIn, startHarness } from '../../harness/mcp-harness.ts'

const call = () => ({ signal: new AbortController().signal, correlationId: 'by-hand' })
const write = (expiresAt?: Date) =>
  ({
    expect: 'any',
    audit: { writer: 'w', seq: 1 },
    operationId: crypto.randomUUID(),
    ...(expiresAt && { labels: { expiresAt } }),
  }) as never

test('a forged list of field names does not put a complete credential out of use', async () => {
  const harness = await startHarness({ cacheSeconds: 0 })
  onTestFinished(() => harness.close())
  const { backend } = harness
  const key = storageKey('jira', harness.owner('alice'))
  await backend.write(key, { pat: 'tok-1-abcdef' }, write(), call())
  const stat = backend.stat.bind(backend)
  // As Vault's and AWS's backends answer after: vault kv metadata patch -custom-metadata=mcp-fields=nothing …
  Object.assign(backend, {
    stat: async (...given: [never, never]) => {
      const found = await stat(...given)
      return found.status === 'active' ? { ...found, fields: ['nothing'] } : found
    },
  })
  const alice = await harness.connect('alice')
  expect((await alice.text('read_secret')).text).toBe('a secret of 12 characters')
})

test('a rejected token is not saved again as a new version by a form that keeps it', async () => {
  let meanwhile = async (): Promise<unknown> => undefined
  const harness = await startHarness({
    cacheSeconds: 0,
    jira: {
      variables: { pat: { label: 'Token', type: 'password' }, site: { label: 'Site', type: 'string' } },
      verify: async () => {
        await meanwhile()
        return { ok: true }
      },
    },
  })
  onTestFinished(() => harness.close())
  const { backend } = harness
  const key = storageKey('jira', harness.owner('alice'))
  const version = await backend.write(key, { pat: 'tok-dead-abcdef' }, write(), call())
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('read_secret')).text)
  // A call on another replica, whose provider has no new field yet, meets a 401.
  meanwhile = async () => backend.markRejected?.(key, version, new Date(), call())
  await fillIn(link, 'alice', { site: 'acme' })
  const found = await backend.read?.(key, call())
  const dead = found?.status === 'active' && found.values['pat'] === 'tok-dead-abcdef'
  expect(dead && found.labels?.rejectedAt === undefined).toBe(false)
})
