import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer } from '@modelcontextprotocol/server'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { credentialGate as gateV1, type ToolExtra as ToolExtraV1 } from '../../src/mcp/sdk-v1/index.ts'
import { credentialGate, type ToolExtra } from '../../src/mcp/sdk-v2/index.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'

// The compiler checks this file, as part of `npm run typecheck`. `toEqualTypeOf` is not satisfied by `any`.

const DONE = { content: [] }
const title = z.string()
const inputSchema = z.object({ title })

function provider() {
  return new CredentialsProvider({
    name: 'tickets',
    variables: { pat: { label: 'Token', type: 'password' } },
    accounts: ['admin'],
  })
}

test('SDK 2.x: what an inline handler gets has the types of the SDK, with and without inputSchema', () => {
  const server = new McpServer({ name: 'types', version: '1.0.0' })
  const requireCredentials = credentialGate(server)
  const tickets = provider()
  const without = requireCredentials(tickets, async (ctx) => {
    expectTypeOf(ctx).toEqualTypeOf<ToolExtra>()
    return DONE
  })
  server.registerTool('declared-apart', {}, without)
  server.registerTool(
    'no-schema',
    { description: 'Takes nothing.' },
    requireCredentials(tickets, async (ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<ToolExtra>()
      // @ts-expect-error there is no such member
      expect(ctx.missing).toBeUndefined()
      return DONE
    }),
  )
  server.registerTool(
    'no-schema-with-options',
    { outputSchema: z.object({ id: z.string() }) },
    requireCredentials(tickets, { strict: true }, async (ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<ToolExtra>()
      return DONE
    }),
  )
  server.registerTool(
    'nested',
    {},
    requireCredentials(
      tickets,
      requireCredentials(tickets, async (ctx) => {
        expectTypeOf(ctx).toEqualTypeOf<ToolExtra>()
        return DONE
      }),
    ),
  )
  server.registerTool(
    'schema',
    { inputSchema },
    requireCredentials(tickets, { account: (args) => args.title }, async (args, ctx) => {
      expectTypeOf(args).toEqualTypeOf<{ title: string }>()
      expectTypeOf(ctx).toEqualTypeOf<ToolExtra>()
      return DONE
    }),
  )
  server.registerPrompt(
    'prompt-without-arguments',
    {},
    requireCredentials.prompt(tickets, async (ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<ToolExtra>()
      return { messages: [] }
    }),
  )
  server.registerPrompt(
    'prompt',
    { argsSchema: inputSchema },
    requireCredentials.prompt(tickets, async (args, ctx) => {
      expectTypeOf(args).toEqualTypeOf<{ title: string }>()
      expectTypeOf(ctx).toEqualTypeOf<ToolExtra>()
      return { messages: [] }
    }),
  )
})

test('SDK 1.x: what an inline handler gets has the types of the SDK, with and without inputSchema', () => {
  const server = new McpServerV1({ name: 'types', version: '1.0.0' })
  const requireCredentials = gateV1(server)
  const tickets = provider()
  const without = requireCredentials(tickets, async (extra) => {
    expectTypeOf(extra).toEqualTypeOf<ToolExtraV1>()
    return DONE
  })
  server.registerTool('declared-apart', {}, without)
  server.registerTool(
    'no-schema',
    { description: 'Takes nothing.' },
    requireCredentials(tickets, async (extra) => {
      expectTypeOf(extra).toEqualTypeOf<ToolExtraV1>()
      // @ts-expect-error there is no such member
      expect(extra.missing).toBeUndefined()
      return DONE
    }),
  )
  server.registerTool(
    'no-schema-with-options',
    {},
    requireCredentials(tickets, { tool: 'named' }, async (extra) => {
      expectTypeOf(extra).toEqualTypeOf<ToolExtraV1>()
      return DONE
    }),
  )
  server.registerTool(
    'schema',
    { inputSchema: { title } },
    requireCredentials(tickets, { account: (args) => args.title }, async (args, extra) => {
      expectTypeOf(args).toEqualTypeOf<{ title: string }>()
      expectTypeOf(extra).toEqualTypeOf<ToolExtraV1>()
      return DONE
    }),
  )
  // The SDK itself has no type for a prompt without arguments, so one can only be written with `any`.
  server.registerPrompt(
    'prompt-without-arguments',
    {},
    requireCredentials.prompt(tickets, async () => ({ messages: [] })),
  )
})
