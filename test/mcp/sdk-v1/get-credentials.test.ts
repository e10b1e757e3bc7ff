import { inspect } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CallToolRequestSchema, type CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import type { CallExtra } from '../../../src/core/gate/tool-call.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { credentialGate, type RequireCredentials, type ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { openLocalVault } from '../../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

// These tests are compiled, too: each `@ts-expect-error` fails the type check when the line below it compiles.

const variables = { pat: { label: 'Token', type: 'password' } } as const
const inputSchema = { title: z.string() }

let vault: CredentialVault
let jira: CredentialsProvider<typeof variables>
let gitlab: CredentialsProvider<typeof variables>

beforeAll(async () => {
  const backend = memoryBackend()
  vault = await openLocalVault({ backend, audit: memoryAudit(), warn: () => undefined })
  jira = new CredentialsProvider({ vault, name: 'jira', variables })
  gitlab = new CredentialsProvider({ vault, name: 'gitlab', variables })
  const owner = jira.userOf(undefined)
  if (!owner) throw new Error('a local vault has one owner')
  await put(backend, storageKey('jira', owner), { pat: 'jira-token-0123' })
  await put(backend, storageKey('gitlab', owner), { pat: 'gitlab-token-01234' })
})
afterAll(() => vault.close())

const text = (value: unknown): CallToolResult => ({ content: [{ type: 'text', text: String(value) }] })

async function call(register: (server: McpServer, gate: RequireCredentials) => void, args = {}): Promise<string> {
  const server = new McpServer({ name: 'test', version: '1.0.0' })
  register(server, credentialGate(server))
  return callThrough(server, args)
}

async function callThrough(server: McpServer | Server, args: Record<string, unknown>): Promise<string> {
  const client = new Client({ name: 'test', version: '1.0.0' })
  const [one, other] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(one), client.connect(other)])
  try {
    const { content } = (await client.callTool({ name: 'tool', arguments: args })) as CallToolResult
    return content.map((block) => (block.type === 'text' ? block.text : '')).join()
  } finally {
    await client.close()
  }
}

describe("getCredentials takes the call's own extra", () => {
  test('of a tool with arguments', async () => {
    const register = (server: McpServer, gate: RequireCredentials) =>
      void server.registerTool(
        'tool',
        { inputSchema },
        gate(jira, async (args, extra) => {
          expectTypeOf(args).toEqualTypeOf<{ title: string }>()
          const length = await jira.getCredentials(extra).use(({ pat }) => pat.length)
          return text(`${args.title}: ${length}`)
        }),
      )
    expect(await call(register, { title: 'An issue' })).toBe('An issue: 15')
  })

  test('of a tool without arguments', async () => {
    const register = (server: McpServer, gate: RequireCredentials) =>
      void server.registerTool(
        'tool',
        {},
        gate(jira, { failFast: true }, async (extra) =>
          text(await jira.getCredentials(extra).use(({ pat }) => pat.length)),
        ),
      )
    expect(await call(register)).toBe('15')
  })

  test('of nested gates: one call, a credential of each', async () => {
    const register = (server: McpServer, gate: RequireCredentials) =>
      void server.registerTool(
        'tool',
        { inputSchema },
        gate(
          jira,
          gate(gitlab, async (args, extra) => {
            expectTypeOf(args).toEqualTypeOf<{ title: string }>()
            const lengths = [jira, gitlab].map((provider) =>
              provider.getCredentials(extra).use(({ pat }) => pat.length),
            )
            return text(await Promise.all(lengths))
          }),
        ),
      )
    expect(await call(register, { title: 'x' })).toBe('15,18')
  })

  test('of nested gates, in any form that is passed on between them', async () => {
    const forms: ((extra: ToolExtra) => ToolExtra)[] = [
      (extra) => ({ ...extra }),
      (extra) => Object.freeze({ ...extra }),
      (extra) => new Proxy(extra, {}),
      (extra) => Object.create(extra) as ToolExtra,
    ]
    for (const before of forms) {
      for (const after of forms) {
        const register = (server: McpServer, gate: RequireCredentials) =>
          void server.registerTool(
            'tool',
            {},
            gate(jira, async (outer) => {
              const inner = gate(gitlab, async (extra: ToolExtra) => {
                expect([extra.requestId, extra.signal]).toEqual([outer.requestId, outer.signal])
                if (!Object.isFrozen(given)) Object.assign(extra, { tenant: 'acme' })
                const lengths = [jira, gitlab].map((provider) =>
                  provider.getCredentials(after(extra)).use(({ pat }) => pat.length),
                )
                return text(await Promise.all(lengths))
              })
              const given = before(outer)
              const result = await inner(given)
              // The given object is as it was, but for what the handler has stored on it.
              expect(messageOf(() => gitlab.getCredentials(given))).toContain('requireCredentials(gitlab, …)')
              if (!Object.isFrozen(given)) expect(given).toHaveProperty('tenant', 'acme')
              return result
            }),
          )
        expect(await call(register)).toBe('15,18')
      }
    }
  })

  test('of a low-level server', async () => {
    const server = new Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } })
    const work = credentialGate(server)(jira, async (_title: unknown, extra: ToolExtra) =>
      text(await jira.getCredentials(extra).use(({ pat }) => pat.length)),
    )
    server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => work(params.arguments?.['title'], extra))
    expect(await callThrough(server, { title: 'x' })).toBe('15')
  })

  test('as a spread, and behind a proxy', async () => {
    const register = (server: McpServer, gate: RequireCredentials) =>
      void server.registerTool(
        'tool',
        {},
        gate(jira, async (extra) => {
          const forms = [{ ...extra, tenant: 'a' }, new Proxy(extra, {}), Object.create(extra) as typeof extra]
          const lengths = forms.map((form) => jira.getCredentials(form).use(({ pat }) => pat.length))
          return text(await Promise.all(lengths))
        }),
      )
    expect(await call(register)).toBe('15,15,15')
  })
})

describe('getCredentials refuses', () => {
  const refused = 'extra is not from a gated call'

  test("the tool's arguments, and an extra of the application's own", async () => {
    const register = (server: McpServer, gate: RequireCredentials) =>
      void server.registerTool(
        'tool',
        { inputSchema },
        gate(jira, async (args, extra) => {
          const { signal, requestId } = extra
          const attempts = [
            // @ts-expect-error -- arguments are the client's words, not the call
            () => jira.getCredentials(args),
            // @ts-expect-error -- there is no ambient form
            () => jira.getCredentials(),
            () => jira.getCredentials({ signal, requestId }),
            () => jira.getCredentials(JSON.parse(JSON.stringify({ ...extra, signal, requestId })) as CallExtra),
          ]
          return text(attempts.map(messageOf).join('\n'))
        }),
      )
    const lines = (await call(register, { title: 'x' })).split('\n')
    expect(lines).toHaveLength(4)
    for (const line of lines) expect(line).toContain(refused)
  })

  test('the extra that the gate itself was called with', async () => {
    const register = (server: McpServer, gate: RequireCredentials) => {
      server.registerTool('tool', {}, async (ungated) => {
        const gated = gate(jira, async (_extra: ToolExtra) => text(messageOf(() => jira.getCredentials(ungated))))
        return gated(ungated)
      })
    }
    expect(await call(register)).toContain(refused)
  })

  test('the extra of a call that passed no gate of this provider, and of one that has ended', async () => {
    let kept: ToolExtra | undefined
    const register = (server: McpServer, gate: RequireCredentials) =>
      void server.registerTool(
        'tool',
        {},
        gate(jira, async (extra) => {
          kept = extra
          return text(messageOf(() => gitlab.getCredentials(extra)))
        }),
      )
    expect(await call(register)).toContain('requireCredentials(gitlab, …)')
    expect(messageOf(() => kept && jira.getCredentials(kept))).toContain('while its call runs')
  })

  test('nothing is seen of the call when extra is printed or sent', async () => {
    let shown = ''
    const register = (server: McpServer, gate: RequireCredentials) =>
      void server.registerTool(
        'tool',
        {},
        gate(jira, async (extra) => {
          await jira.getCredentials(extra).use(() => undefined)
          shown = inspect(extra, { depth: 9, showHidden: true }) + JSON.stringify(extra)
          return text('done')
        }),
      )
    expect(await call(register)).toBe('done')
    expect(shown).toContain('ToolCall {}')
    expect(shown).not.toContain('jira-token')
  })
})

function messageOf(attempt: () => unknown): string {
  try {
    attempt()
    return 'it did not refuse'
  } catch (error) {
    return String(error)
  }
}
