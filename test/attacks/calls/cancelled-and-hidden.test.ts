import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { passGate } from '../../../src/core/gate/gate.ts'
import { createToolCall } from '../../../src/core/gate/tool-call.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { fillIn, linkIn, startHarness } from '../../harness/mcp-harness.ts'

const key = storageKey('jira', { issuer: 'https://idp.example.com', subject: 'alice' })

test('a handler is not run a second time for a client that has cancelled', async () => {
  const cancelled = new AbortController()
  let runs = 0
  const provider = {
    name: 'jira',
    label: 'Jira',
    tokenTimeoutSeconds: 10,
    ready: async () => undefined,
    userOf: () => key.owner,
    assertionOf: () => undefined,
    credentialState: async () => 'active',
    settle: async () => 'replaced',
    run: async (_call: unknown, _tool: unknown, handler: () => Promise<unknown>) => handler(),
    reportEcho: async () => undefined,
  }
  await passGate({
    provider: provider as never,
    failFast: false,
    retry: true,
    tool: undefined,
    client: { name: 'c', signal: cancelled.signal, ability: 'none', progress: undefined } as never,
    notices: {} as never,
    authInfo: undefined,
    toolCall: createToolCall({}),
    handler: async () => {
      runs += 1
      cancelled.abort(new Error('cancelled'))
      return 'done'
    },
  } as never).catch(() => undefined)
  expect(runs).toBe(1)
})

test('a failed call does not use up the one notice of the day', async () => {
  const expiresAt = new Date(Date.now() + 86_400_000)
  let fails = true
  const harness = await startHarness({
    expiryNoticeDays: 14,
    cacheSeconds: 0,
    tools(server, gate, { jira }) {
      server.registerTool(
        'flaky',
        {},
        gate(jira, async () => ({ content: [], isError: fails })),
      )
    },
  })
  onTestFinished(() => harness.close())
  const call = { signal: new AbortController().signal, correlationId: 'by-hand' }
  await harness.backend.write(
    storageKey('jira', harness.owner('alice')),
    { pat: 'tok-1-abcdef' },
    { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: 'o', labels: { expiresAt } } as never,
    call,
  )
  const alice = await harness.connect('alice')
  await alice.text('flaky')
  fails = false
  expect((await alice.text('flaky')).text).toContain('expires on')
})

test('an account name that reverses the direction of writing is not stored or shown as it is', async () => {
  const service: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name: 'alice\u202E(nimda)\u2028x' }))
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  const harness = await startHarness({
    cacheSeconds: 0,
    jira: {
      destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }],
      verify: { httpCheck: { url: '/', account: '/name' } },
    },
  })
  onTestFinished(async () => {
    service.close()
    await harness.close()
  })
  const alice = await harness.connect('alice')
  const page = await fillIn(linkIn((await alice.text('read_secret')).text), 'alice', { pat: 'tok-1-abcdef' })
  const found = await harness.backend.stat(storageKey('jira', harness.owner('alice')), {
    signal: new AbortController().signal,
    correlationId: 'x',
  })
  expect(JSON.stringify(found) + page.html).not.toMatch(/[\u202e\u2028]/)
})
