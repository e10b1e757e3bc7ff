import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

const variables = { pat: { label: 'Token', type: 'password' } } as const
const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
let harness: Harness
const memory = memoryBackend()
beforeAll(async () => {
  harness = await startHarness({
    backend: memory,
    cacheSeconds: 0,
    tools(server, gate, { vault }) {
      const forge = new CredentialsProvider({ vault, name: 'forge', variables, accounts: ['work', 'personal'] })
      const inputSchema = { account: z.string() }
      server.registerTool(
        'gate_chooses',
        { inputSchema },
        gate(forge, { account: (args) => args.account }, async (_args, extra) =>
          answer(await forge.getCredentials(extra).use(() => 'fine')),
        ),
      )
      server.registerTool(
        'handler_chooses',
        { inputSchema },
        gate(forge, async (args, extra) =>
          answer(await forge.getCredentials(extra, { account: args.account as 'work' }).use(() => 'fine')),
        ),
      )
      server.registerTool(
        'echo',
        {},
        gate(forge, async (extra) =>
          answer(await forge.getCredentials(extra, { account: 'work' }).use(({ pat }) => pat)),
        ),
      )
    },
  })
  for (const provider of ['forge', 'forge@work'])
    await put(memory, storageKey(provider, harness.owner('alice')), { pat: `tok-of-${provider.replace('@', '-')}` })
})
afterAll(() => harness.close())

test.each(['gate_chooses', 'handler_chooses'])('%s: a model that names no account of ours learns so', async (tool) => {
  const alice = await harness.connect('alice')
  const { content } = await alice.client.callTool({ name: tool, arguments: { account: 'wrk' } })
  const [{ text }] = content as [{ text: string }]
  expect(text).toMatch(/no account of this name/)
  expect(text).not.toMatch(/option accounts of CredentialsProvider|administrator|run this server/i)
})

test('an echoed secret is logged for the account that it belongs to', async () => {
  const alice = await harness.connect('alice')
  const { text } = await alice.text('echo')
  expect(text).not.toContain('tok-of')
  const lines = harness.audit.events.filter(({ type }) => type === 'credential.echoed')
  expect(lines.map(({ provider }) => provider)).toEqual(['forge@work'])
})
