import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import type Koa from 'koa'
import { z } from 'zod'
import { credentialGate, type ToolExtra } from '../../src/mcp/sdk-v1/index.ts'
import type { Handle, Probe, World } from './world.ts'

/** For the self-check: says what it is told to, as a page that leaks would. */
export const plantingRoute: Koa.Middleware = async (ctx, next) => {
  if (ctx.path !== '/planted') return next()
  const chunks: Buffer[] = []
  for await (const chunk of ctx.req) chunks.push(chunk)
  ctx.body = Buffer.concat(chunks)
}

/** Tools behind the mounts for SDK 1.x. */
export function toolServer(
  options: ConstructorParameters<typeof McpServer>[1],
  provider: World['provider'],
  probe: () => Probe,
): McpServer {
  const server = new McpServer({ name: 'canary', version: '1.0.0' }, { ...options, capabilities: { logging: {} } })
  const gate = credentialGate(server)
  const work = async (extra: ToolExtra) => {
    const outcome = await probe()(provider.getCredentials(extra), extra)
    return typeof outcome === 'object' && outcome !== null
      ? (outcome as { content: [] })
      : { content: [{ type: 'text' as const, text: String(outcome) }] }
  }
  server.registerTool('probe', {}, gate(provider, { tool: 'probe' }, work))
  server.registerTool('fail_fast', {}, gate(provider, { failFast: true }, work))
  server.registerTool('work', {}, gate(provider, { account: 'work' }, work))
  const told = async (extra: ToolExtra) => String(await probe()(provider.getCredentials(extra), extra))
  const word = completable(
    z.string(),
    gate.completion(provider, async (_value, _context, extra) => [await told(extra)]),
  )
  server.registerPrompt(
    'probe',
    { argsSchema: { word } },
    gate.prompt(provider, async (_args, extra) => ({
      messages: [{ role: 'user', content: { type: 'text', text: await told(extra) } }],
    })),
  )
  server.registerResource(
    'probe',
    new ResourceTemplate('canary://{form}', { list: undefined }),
    {},
    gate.resource(provider, async ({ href: uri }, { form }, extra) => {
      const text = await told(extra)
      return { contents: [form === 'blob' ? { uri, blob: Buffer.from(text).toString('base64') } : { uri, text }] }
    }),
  )
  // No gate, so nothing stands between it and the client: for the self-check.
  server.registerTool('planted', {}, async () => ({
    content: [{ type: 'text', text: String(await probe()({} as Handle, {} as ToolExtra)) }],
  }))
  return server
}
