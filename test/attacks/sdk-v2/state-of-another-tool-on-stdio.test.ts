import { InMemoryTransport, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { credentialGate } from '../../../src/mcp/sdk-v2/index.ts'
import { openLocalVault } from '../../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { ACCEPTED, MODERN } from '../../harness/sdk-v2.ts'

// A state is for one tool and its arguments. Over stdio there is no Mcp-Name header.
async function start() {
  const audit = memoryAudit()
  const vault = await openLocalVault({ backend: memoryBackend(), audit, warn: () => undefined })
  onTestFinished(() => vault.close())
  const jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Token', type: 'password' } },
  })
  const done = async () => ({ content: [{ type: 'text' as const, text: 'ran' }] })
  // A leg that takes the state for its own answers at once, and asks nothing.
  const failFast = { failFast: true }
  const makeServer = () => {
    const server = new McpServer({ name: 'test', version: '1.0.0' })
    const gate = credentialGate(server)
    server.registerTool('harmless', {}, gate(jira, failFast, done))
    server.registerTool('dangerous', {}, gate(jira, failFast, done))
    const inputSchema = z.object({ pattern: z.string().transform((text) => new RegExp(text)) })
    server.registerTool(
      'match',
      { inputSchema },
      gate(jira, failFast, (_args: unknown, _extra) => done()),
    )
    return server
  }
  const [one, other] = InMemoryTransport.createLinkedPair()
  const served = serveStdio(makeServer, { transport: one })
  onTestFinished(() => served.close())
  const answers = new Map<unknown, (message: Record<string, never>) => void>()
  other.onmessage = (message) => answers.get((message as { id?: unknown }).id)?.(message as never)
  await other.start()
  let id = 0
  const call = (name: string, args: object, more: object = {}): Promise<Record<string, never>> =>
    new Promise((resolve) => {
      id += 1
      answers.set(id, resolve)
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': MODERN,
        'io.modelcontextprotocol/clientInfo': { name: 'Raw Client', version: '1.0.0' },
        'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } },
      }
      void other.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, ...more, _meta } })
    })
  return { call }
}

test.each([
  ['another tool', ['harmless', {}], ['dangerous', {}]],
  [
    'other arguments, which a schema makes regular expressions',
    ['match', { pattern: 'a' }],
    ['match', { pattern: 'b' }],
  ],
] as const)('a state of %s counts as none: asked anew, and not held', async (_, [tool, args], [other, others]) => {
  const { call } = await start()
  const asked = (await call(tool, args)) as unknown as { result: { requestState: string; inputRequests: object } }
  expect(Object.keys(asked.result.inputRequests)).toEqual(['credential:jira'])
  const { requestState } = asked.result
  const answer = (await call(other, others, { requestState, inputResponses: ACCEPTED })) as never as typeof asked
  expect(answer).toMatchObject({ result: { inputRequests: { 'credential:jira': {} } } })
})
