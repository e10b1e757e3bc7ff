import { CallToolResultSchema, UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { connectMcpClient } from '../../examples/tickets/mcp-client.ts'
import { versionOf } from './versions.ts'
import type { CallEnd, Walk } from './walk.ts'

const version = versionOf('node_modules/@modelcontextprotocol/sdk')
const CALL = { name: 'create_ticket', arguments: { title: 'Printer is on fire' } }

/** The client of SDK 1.x, with and without URL mode. */
function walk(client: string, server: Walk['server'], { urlMode = true, declines = false } = {}): Walk {
  return {
    ...{ client, version, server, declines },
    async connect({ url }, onQuestion) {
      const connected = await connectMcpClient({
        ...{ url, user: 'Alice' },
        ...(urlMode && { onLink: (link: string, message: string) => onQuestion(message, link).action }),
      })
      return {
        async call(): Promise<CallEnd> {
          try {
            const { content, isError = false } = CallToolResultSchema.parse(await connected.callTool(CALL))
            return { text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''), isError }
          } catch (error) {
            if (!(error instanceof UrlElicitationRequiredError)) throw error
            return { text: error.message, isError: true }
          }
        },
        close: () => connected.close(),
      }
    },
  }
}

export const sdk1Walks: readonly Walk[] = (['2.x', '1.x'] as const).flatMap((server) => [
  walk('SDK 1.x', server),
  walk('SDK 1.x', `${server} fail-fast`),
  walk('SDK 1.x', `${server} stateless`),
  walk('SDK 1.x, no URL mode', server, { urlMode: false }),
  walk('SDK 1.x, no URL mode', `${server} fail-fast`, { urlMode: false }),
  walk('SDK 1.x, no URL mode', `${server} stateless`, { urlMode: false }),
  walk('SDK 1.x, user declines', server, { declines: true }),
])
