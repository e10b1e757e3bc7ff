import { AsyncLocalStorage } from 'node:async_hooks'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import PQueue from 'p-queue'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { User } from '../../../src/core/model/owner.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { credentialGate } from '../../../src/mcp/sdk-v1/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

// Requests carry no authInfo, so each gate believes userContext. A queue between an outer and an inner gate runs the inner one in another
// call's context. The call object knows whose call it is; the inner gate does not ask it.

const secretOf = (user: string) => `tok-of-${user}-3f9d2c71e8b04a56`
const variables = { key: { label: 'Key', type: 'password' } } as const

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

test("an inner gate behind a queue does not give one user's call another user's secret", async () => {
  const userContext = new AsyncLocalStorage<User>()
  const { vault } = harness
  const outer = new CredentialsProvider({ vault, name: 'github', variables, userContext })
  const inner = new CredentialsProvider({ vault, name: 'gitlab', variables, userContext })
  for (const user of ['alice', 'bob'])
    for (const provider of ['github', 'gitlab'])
      await put(harness.backend, storageKey(provider, harness.owner(user)), { key: secretOf(user) })

  const queue = new PQueue({ concurrency: 1 })
  let letBobGo = () => {}
  const bobHolds = new Promise<void>((resolve) => {
    letBobGo = resolve
  })
  const mcp = new McpServer({ name: 'test', version: '1.0.0' })
  const gate = credentialGate(mcp)
  const whose = gate(inner, async (extra) => {
    const text = await inner.getCredentials(extra).use(({ key }) => /^tok-of-(\w+)-/.exec(key)?.[1] ?? 'nobody')
    return { content: [{ type: 'text', text }] }
  })
  let queued = 0
  const tool = gate(outer, (extra) => {
    const isFirst = queued === 0
    queued += 1
    return queue.add(async () => {
      if (isFirst) await bobHolds
      return whose(extra)
    })
  })
  mcp.registerTool('whose', {}, tool)
  const [left, right] = InMemoryTransport.createLinkedPair()
  const client = new Client({ name: 'test', version: '1.0.0' })
  await Promise.all([mcp.connect(left), client.connect(right)])

  const call = (user: string) => userContext.run(harness.owner(user), () => client.callTool({ name: 'whose' }))
  const bob = call('bob')
  await expect.poll(() => queued).toBe(1)
  const alice = call('alice')
  await expect.poll(() => queued).toBe(2)
  letBobGo()
  expect(JSON.stringify(await bob)).toContain('"bob"')
  expect(JSON.stringify(await alice)).not.toContain('"bob"')
  await client.close()
})
