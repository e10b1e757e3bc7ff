import { completable as completableV1 } from '@modelcontextprotocol/sdk/server/completable.js'
import { type McpServer as McpServerV1, ResourceTemplate as TemplateV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { completable, type McpServer, ResourceTemplate } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { CallExtra } from '../../src/index.ts'
import type { RequireCredentials as RequireV1 } from '../../src/mcp/sdk-v1/index.ts'
import type { RequireCredentials } from '../../src/mcp/sdk-v2/index.ts'
import type { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import type { HarnessOptions } from './mcp-harness.ts'
import type { HarnessV2Options } from './sdk-v2.ts'

type AnyProvider = Pick<CredentialsProvider, 'getCredentials'>

/** What a handler of one of the kinds answers with, made of the secret. Default: its length. */
export type Say = (secret: string, how: string) => string

export interface KindsOptions {
  readonly say?: Say
  readonly ran?: (kind: string) => void
}

/** The handlers behind the gates of both SDKs. */
function handlersOf(
  provider: AnyProvider,
  { say = (secret) => `a secret of ${secret.length} characters`, ran }: KindsOptions,
) {
  const read = async (kind: string, how: string, extra: CallExtra) => {
    ran?.(kind)
    return provider.getCredentials(extra).use(async ({ pat = '' }) => say(pat, how))
  }
  return {
    tool: async (extra: CallExtra) => ({
      content: [{ type: 'text' as const, text: await read('tool', 'text', extra) }],
    }),
    prompt: async ({ how }: { how: string }, extra: CallExtra) => ({
      messages: [{ role: 'user' as const, content: { type: 'text' as const, text: await read('prompt', how, extra) } }],
    }),
    resource: async (uri: URL, extra: CallExtra) => ({
      contents: [{ uri: uri.href, text: await read('resource', 'text', extra) }],
    }),
    template: async (uri: URL, how: string | string[] | undefined, extra: CallExtra) => {
      const text = await read('template', String(how), extra)
      const blob = Buffer.from(text).toString('base64')
      return { contents: [how === 'blob' ? { uri: uri.href, blob } : { uri: uri.href, text }] }
    },
    completion: async (value: string, extra: CallExtra) => [value, await read('completion', value, extra)],
  }
}

const READ = 'notes://read'
const TEMPLATE = 'notes://by/{how}'

/** Registers one of each kind, all called `note`, on a server of SDK 1.x. */
export function kindsV1(options: KindsOptions = {}): NonNullable<HarnessOptions['tools']> {
  return (server: McpServerV1, gate: RequireV1, { jira }) => {
    const handlers = handlersOf(jira, options)
    const complete = gate.completion(jira, (value, _, extra) => handlers.completion(value, extra))
    server.registerTool(
      'note',
      {},
      gate(jira, { tool: 'note' }, (extra) => handlers.tool(extra)),
    )
    server.registerPrompt(
      'note',
      { argsSchema: { how: completableV1(z.string(), complete) } },
      gate.prompt(jira, { name: 'note' }, (args, extra) => handlers.prompt(args, extra)),
    )
    server.registerResource(
      'note',
      READ,
      {},
      gate.resource(jira, (uri, extra) => handlers.resource(uri, extra)),
    )
    server.registerResource(
      'by',
      new TemplateV1(TEMPLATE, {
        list: () => ({ resources: [{ name: 'one', uri: 'notes://by/text' }] }),
        complete: { how: complete },
      }),
      {},
      gate.resource(jira, { name: 'by' }, (uri, { how }, extra) => handlers.template(uri, how, extra)),
    )
  }
}

/** The same on a server of SDK 2.x. */
export function kindsV2(options: KindsOptions = {}): NonNullable<HarnessV2Options['tools']> {
  return (server: McpServer, gate: RequireCredentials, { jira }) => {
    const handlers = handlersOf(jira, options)
    const complete = gate.completion(jira, (value, _, extra) => handlers.completion(value, extra))
    server.registerTool(
      'note',
      {},
      gate(jira, (extra) => handlers.tool(extra)),
    )
    server.registerPrompt(
      'note',
      { argsSchema: z.object({ how: completable(z.string(), complete) }) },
      gate.prompt(jira, (args, extra) => handlers.prompt(args, extra)),
    )
    server.registerResource(
      'note',
      READ,
      {},
      gate.resource(jira, (uri, extra) => handlers.resource(uri, extra)),
    )
    server.registerResource(
      'by',
      new ResourceTemplate(TEMPLATE, {
        list: () => ({ resources: [{ name: 'one', uri: 'notes://by/text' }] }),
        complete: { how: complete },
      }),
      {},
      gate.resource(jira, { name: 'by' }, (uri, { how }, extra) => handlers.template(uri, how, extra)),
    )
  }
}

/** The parts of the SDKs' clients that read the kinds. */
export interface KindsClient {
  getPrompt(params: { name: string; arguments: Record<string, string> }): Promise<unknown>
  readResource(params: { uri: string }): Promise<unknown>
  complete(params: {
    ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }
    argument: { name: string; value: string }
  }): Promise<{ completion: { values: string[] } }>
}

/** One request of each kind except completions, as text. */
export const READS: Readonly<Record<string, (client: KindsClient, how?: string) => Promise<string>>> = {
  prompt: async (client, how = 'text') => JSON.stringify(await client.getPrompt({ name: 'note', arguments: { how } })),
  resource: async (client) => JSON.stringify(await client.readResource({ uri: READ })),
  template: async (client, how = 'text') => JSON.stringify(await client.readResource({ uri: `notes://by/${how}` })),
}

/** One completion of each sort. */
export const COMPLETES: Readonly<Record<string, (client: KindsClient, value?: string) => Promise<string[]>>> = {
  prompt: async (client, value = 'text') => {
    const ref = { type: 'ref/prompt', name: 'note' } as const
    return (await client.complete({ ref, argument: { name: 'how', value } })).completion.values
  },
  template: async (client, value = 'text') => {
    const ref = { type: 'ref/resource', uri: TEMPLATE } as const
    return (await client.complete({ ref, argument: { name: 'how', value } })).completion.values
  },
}
