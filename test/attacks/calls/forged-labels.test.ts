import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
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

test('end to end with a log that takes 300 ms for a line: an outage that meets eight users at once marks none', async () => {
  const service: Server = createServer((_request, response) => {
    response.statusCode = 401
    response.end()
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  const harness = await startHarness({
    cacheSeconds: 0,
    jira: { destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }] },
    tools(server, gate, { jira }) {
      server.registerTool(
        'look',
        {},
        gate(jira, { retry: false }, async (extra) => ({
          content: [{ type: 'text', text: `${(await jira.getCredentials(extra).fetch('/')).status}` }],
        })),
      )
    },
  })
  onTestFinished(async () => {
    service.close()
    await harness.close()
  })
  const users = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'u7', 'u8']
  for (const user of users)
    await harness.backend.write(storageKey('jira', harness.owner(user)), { pat: `tok-${user}-abcdef` }, write(), call())
  const clients = []
  for (const user of users) clients.push(await harness.connect(user))
  // A busy disk's fsync.
  const append = harness.audit.append.bind(harness.audit)
  harness.audit.append = async (event) => {
    if (event.type === 'credential.rejected') await delay(300)
    return append(event)
  }
  const texts = await Promise.all(clients.map((client) => client.text('look')))
  expect(texts.map(({ text }) => text)).toEqual(users.map(() => '401'))
  const left: string[] = []
  for (const user of users) {
    const found = await harness.backend.stat(storageKey('jira', harness.owner(user)), call())
    if (found.status === 'active' && found.labels?.rejectedAt) left.push(user)
  }
  expect(left).toEqual([])
})
