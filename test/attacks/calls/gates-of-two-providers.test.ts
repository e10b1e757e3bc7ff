import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

let harness: Harness

async function put(provider: string, values: Readonly<Record<string, string>>): Promise<void> {
  const intent = { expect: 'any', audit: { writer: 'test', seq: 1 }, operationId: randomUUID() } as const
  const call = { signal: new AbortController().signal, correlationId: 'test' }
  await harness.backend.write(storageKey(provider, harness.owner('alice')), values, intent, call)
}

beforeAll(async () => {
  harness = await startHarness({
    tools: (mcp, gate, { jira, vault }) => {
      const variables = { key: { label: 'Key', type: 'password' } } as const
      const github = new CredentialsProvider({ vault, name: 'github', variables })
      const copy = gate(
        jira,
        gate(github, async (extra) => {
          await github.getCredentials(extra).use(() => undefined)
          await jira.getCredentials(extra).use(() => undefined)
          return { content: [] }
        }),
      )
      mcp.registerTool('copy', {}, copy)
    },
  })
})
afterAll(() => harness.close())

test("a damaged credential is asked for, and not the other gate's", async () => {
  await put('github', { key: 'a-good-github-key' })
  await put('jira', { pat: 'somebody wrote this\nby hand' })
  const alice = await harness.connect('alice')
  const { text } = await alice.text('copy')
  expect(text).toContain('Your stored Jira credential is incomplete')
  expect(text).toContain('/credentials/jira/entry')
})
