import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createRejections } from '../../../src/core/lifecycle/rejections.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { StoredVersion } from '../../../src/core/ports/secret-backend.ts'
import { startHarness } from '../../harness/mcp-harness.ts'

const version = (name: string) => ({ ref: `v-${name}`, label: '1', createdAt: new Date() }) as unknown as StoredVersion
const keyOf = (name: string, provider = 'jira') =>
  storageKey(provider, { issuer: 'https://idp.example.com', subject: name })

function setUp(maxOwners: number) {
  const marked = new Map<string, Date>()
  const lines: { readonly type: string; readonly subject: string | undefined }[] = []
  const unmarkedWith: { readonly of: string; readonly assertion: string }[] = []
  const rejections = createRejections({
    maxOwners,
    warn: () => undefined,
    reader: {
      forget: () => undefined,
      status: async (key) => ({
        status: 'active',
        version: version(`${key.provider}-${key.owner.subject}`),
        labels: marked.has(key.path) ? { rejectedAt: marked.get(key.path) as Date } : {},
      }),
    },
    log: {
      // A durable line takes an fsync.
      grant: async (key, _context, { type }) => {
        await delay(5)
        lines.push({ type, subject: key?.owner.subject })
        return { writer: 'w', seq: 1 } as never
      },
      note: async (key, _context, { type }) => void lines.push({ type, subject: key?.owner.subject }),
    },
    marks: {
      at: () => undefined,
      async set(key, _version, at, context) {
        await delay(1)
        if (at) marked.set(key.path, at)
        else {
          unmarkedWith.push({ of: key.owner.subject, assertion: String(await context.assertion?.()) })
          marked.delete(key.path)
        }
        return true
      },
    },
  })
  const settle = (name: string, provider = 'jira', destination: string | undefined = 'https://gateway.example.com') =>
    rejections.settle(
      keyOf(name, provider),
      { version: version(`${provider}-${name}`), status: 401, ...(destination !== '' && { destination }) },
      { correlationId: name, assertion: async () => `jwt of ${name}` },
    )
  return { marked, lines, unmarkedWith, settle }
}

test('an outage that meets all users at the same moment marks nothing', async () => {
  const { settle, marked } = setUp(5)
  const names = Array.from({ length: 12 }, (_, i) => `user-${i}`)
  await Promise.all(names.map((name) => settle(name)))
  expect([...marked.keys()]).toEqual([])
})

test("a mark of another owner is not taken back with this caller's own token", async () => {
  const { settle, unmarkedWith } = setUp(1)
  await settle('alice')
  await settle('mallory')
  const foreign = unmarkedWith.filter(({ of, assertion }) => assertion !== 'undefined' && assertion !== `jwt of ${of}`)
  expect(foreign).toEqual([])
})

test('a mark that is taken back has an audit line, as every other reinstatement', async () => {
  const { settle, lines, marked } = setUp(1)
  await settle('alice')
  await settle('bob')
  expect(marked.size).toBe(0)
  expect(lines.filter(({ subject }) => subject === 'alice').map(({ type }) => type)).toEqual([
    'credential.rejected',
    'credential.reinstated',
  ])
})

test('one owner with several providers behind one gateway is one owner, and does not hide rejections of others', async () => {
  const { settle, marked } = setUp(5)
  for (const provider of ['a', 'b', 'c', 'd', 'e', 'f']) await settle('mallory', provider)
  expect(await settle('alice')).toBe('rejected')
  expect([...marked.keys()].some((path) => path.includes('alice'))).toBe(true)
})

test('rejections count for a minute, and then no longer', async () => {
  onTestFinished(() => void vi.restoreAllMocks())
  const { settle } = setUp(2)
  for (const name of ['u1', 'u2']) expect(await settle(name)).toBe('rejected')
  const before = performance.now()
  vi.spyOn(performance, 'now').mockReturnValue(before + 1e9)
  expect(await settle('u3')).toBe('rejected')
  vi.spyOn(performance, 'now').mockReturnValue(before + 1e9 + 59_999)
  expect(await settle('u4')).toBe('rejected')
  expect(await settle('u5')).toBe('kept')
  vi.spyOn(performance, 'now').mockReturnValue(before + 2e9)
  expect(await settle('u6')).toBe('rejected')
})

describe('rejections by hand, whose origin is unknown, and those of fetch', () => {
  const BY_HAND = ''
  const SITE = 'https://site.example.com'

  test('are one count: a mixture of both marks no more than either alone', async () => {
    const { settle, marked } = setUp(2)
    expect(await settle('u1', 'jira', SITE)).toBe('rejected')
    expect(await settle('u2', 'jira', BY_HAND)).toBe('rejected')
    expect(await settle('u3', 'jira', SITE)).toBe('kept')
    expect([...marked.keys()]).toEqual([])
    expect(await settle('u4', 'jira', BY_HAND)).toBe('kept')
    expect([...marked.keys()]).toEqual([])
  })

  test('at the same moment mark nothing', async () => {
    const { settle, marked } = setUp(5)
    const names = Array.from({ length: 12 }, (_, i) => `user-${i}`)
    await Promise.all(names.map((name, i) => settle(name, 'jira', i % 2 ? BY_HAND : SITE)))
    expect([...marked.keys()]).toEqual([])
  })

  test('of another provider count for themselves, and so do different sites of one provider', async () => {
    const { settle } = setUp(2)
    expect(await settle('u1', 'jira', SITE)).toBe('rejected')
    expect(await settle('u2', 'jira', `${SITE}:8443`)).toBe('rejected')
    expect(await settle('u3', 'wiki', BY_HAND)).toBe('rejected')
    expect(await settle('u4', 'jira', `${SITE}:9443`)).toBe('rejected')
    // It may have been at any of the three, and each has room for one more.
    expect(await settle('u5', 'jira', BY_HAND)).toBe('rejected')
    expect(await settle('u6', 'jira', SITE)).toBe('kept')
  })

  test('of one owner are those of one owner', async () => {
    const { settle } = setUp(1)
    expect(await settle('mallory', 'jira', SITE)).toBe('rejected')
    expect(await settle('mallory', 'wiki', BY_HAND)).toBe('rejected')
    expect(await settle('alice', 'notes', BY_HAND)).toBe('rejected')
  })
})

const call = () => ({ signal: new AbortController().signal, correlationId: 'by-hand' })
const intent = () => ({ expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: crypto.randomUUID() }) as const

test.each([0, 300])(
  'end to end with a log that takes %i ms for a line: an outage that meets eight users at once marks none',
  async (milliseconds) => {
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
      await harness.backend.write(
        storageKey('jira', harness.owner(user)),
        { pat: `tok-${user}-abcdef` },
        intent(),
        call(),
      )
    const clients = []
    for (const user of users) clients.push(await harness.connect(user))
    // A busy disk's fsync.
    const append = harness.audit.append.bind(harness.audit)
    harness.audit.append = async (event) => {
      if (event.type === 'credential.rejected') await delay(milliseconds)
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
  },
)
