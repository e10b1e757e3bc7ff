import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { fillIn, type Harness, startHarness } from '../../harness/mcp-harness.ts'

const good = new Set<string>()
let service: Server
let harness: Harness
let origin = ''
let held: ServerResponse | undefined
let whileHeld: () => Promise<void> = async () => undefined
const runs = { inner: 0, both: 0, cancelled: 0 }
let allRefused = false
let onRun: () => Promise<void> = async () => undefined

beforeAll(async () => {
  service = createServer(({ headers: { authorization = '' }, url }, response) => {
    if (url === '/upload') {
      // Reads slowly, and answers only when the test says so.
      response.statusCode = 401
      held = response
      return
    }
    response.statusCode = !allRefused && good.has(authorization.replace('Bearer ', '')) ? 200 : 401
    response.end()
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  let github: CredentialsProvider | undefined
  harness = await startHarness({
    cacheSeconds: 0,
    jira: { destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }] },
    tools(server, gate, { jira, vault }) {
      github ??= new CredentialsProvider({
        vault,
        name: 'github',
        variables: { pat: { label: 'Token', type: 'password' } },
        destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }],
      }) as never
      const hub = github as CredentialsProvider
      const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
      server.registerTool(
        'upload_and_look',
        {},
        gate(jira, { retry: false }, async (extra) => {
          const handle = jira.getCredentials(extra)
          const body = new ReadableStream({
            start(controller) {
              controller.enqueue(new TextEncoder().encode('x'))
              controller.close()
            },
          })
          const upload = handle.fetch('/upload', { method: 'POST', body, duplex: 'half' } as never)
          while (!held) await new Promise((resolve) => setTimeout(resolve, 5))
          await whileHeld()
          const look = (await handle.fetch('/')).status
          held?.end()
          const uploaded = (await upload).status
          return answer(`look ${look}, upload ${uploaded}`)
        }),
      )
      server.registerTool(
        'side_effect',
        {},
        gate(
          hub,
          gate(jira, { retry: false }, async (extra) => {
            runs.inner += 1
            await onRun()
            const { status } = await hub.getCredentials(extra).fetch('/')
            return answer(`run ${runs.inner}: ${status}`)
          }),
        ),
      )
      server.registerTool(
        'two_gates',
        {},
        gate(
          hub,
          gate(jira, async (extra) => {
            runs.both += 1
            await onRun()
            await jira.getCredentials(extra).fetch('/')
            await hub.getCredentials(extra).fetch('/')
            return answer(`run ${runs.both}`)
          }),
        ),
      )
      server.registerTool(
        'cancelled',
        {},
        gate(jira, async (extra) => {
          runs.cancelled += 1
          await jira.getCredentials(extra).fetch('/')
          await onRun()
          return answer(`run ${runs.cancelled}`)
        }),
      )
    },
  })
})
beforeEach(async () => {
  await harness.forget('alice')
  good.clear()
  held = undefined
  allRefused = false
  whileHeld = async () => undefined
  onRun = async () => undefined
  Object.assign(runs, { inner: 0, both: 0, cancelled: 0 })
})
afterAll(async () => {
  service.close()
  await harness.close()
})

const call = () => ({ signal: new AbortController().signal, correlationId: 'by-hand' })
async function save(pat: string, provider = 'jira'): Promise<void> {
  const intent = { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: crypto.randomUUID() } as const
  await harness.backend.write(storageKey(provider, harness.owner('alice')), { pat }, intent, call())
}
const state = async (provider = 'jira') => harness.backend.stat(storageKey(provider, harness.owner('alice')), call())

test('a late 401 of the old token does not reject the newer one that the service accepts', async () => {
  good.add('tok-old-41c7').add('tok-new-99aa')
  await save('tok-old-41c7')
  whileHeld = async () => {
    // Alice replaces her token, and deletes the old one at the service.
    await save('tok-new-99aa')
    good.delete('tok-old-41c7')
  }
  const alice = await harness.connect('alice')
  expect((await alice.text('upload_and_look')).text).toBe('look 200, upload 401')
  expect(await state()).toMatchObject({ status: 'active', version: { label: '2' } })
  expect((await state()) as { labels?: object }).not.toMatchObject({ labels: { rejectedAt: expect.anything() } })
})

test('a handler with retry: false never runs twice, whatever gate stands in front of it', async () => {
  good.add('tok-j-1').add('tok-h-2')
  await save('tok-j-1')
  await save('tok-h-1', 'github')
  const alice = await harness.connect('alice', {
    onLink: (link) => {
      void fillIn(link, 'alice', { pat: 'tok-h-2' })
      return 'accept'
    },
  })
  await alice.text('side_effect')
  expect(runs.inner).toBe(1)
})

test('two gates in front of one handler run it at most twice', async () => {
  const fresh = () => {
    const pat = `tok-${crypto.randomUUID()}`
    good.add(pat)
    return pat
  }
  await save('tok-dead-j')
  await save('tok-dead-h', 'github')
  // Tokens die again after each run, as a service does whose tokens last a minute.
  onRun = async () => good.clear()
  const alice = await harness.connect('alice', {
    onLink: (link) => {
      void fillIn(link, 'alice', { pat: fresh() })
      return 'accept'
    },
  })
  await alice.text('two_gates')
  expect(runs.both).toBeLessThanOrEqual(2)
})
