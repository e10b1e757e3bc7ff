import { createRequire } from 'node:module'
import { createRequestStateCodec, McpServer, Server } from '@modelcontextprotocol/server'
import { expect, onTestFinished, test } from 'vitest'
import { credentialGate, mcpMount, withGateState } from '../../../src/mcp/sdk-v2/index.ts'
import { startHarness } from '../../harness/mcp-harness.ts'
import { connectClientV2 } from '../../harness/sdk-v2.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const require = createRequire(import.meta.url)
// require() and import load separate classes, like two installed copies.
const other: { McpServer: typeof McpServer; Server: typeof Server } = require('@modelcontextprotocol/server')
const INFO = { name: 'x', version: '1' }

test.each(['McpServer', 'Server'] as const)(
  'a %s of another copy of the SDK is refused, and ours is named with its version',
  (name) => {
    expect(other[name]).not.toBe({ McpServer, Server }[name])
    const error = thrownError(() => credentialGate(new other[name](INFO)))
    expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'sdk_copies' })
    expect(error.message).toMatch(/2\.\d+\.\d+ in \/.*node_modules\/@modelcontextprotocol\/server/)
    expect(error.message).toContain('npm dedupe')
  },
)

test('a mount whose servers are of another copy answers no client, and tells the operator which copy is ours', async () => {
  const told: string[] = []
  const listen = (warning: Error) => void told.push(warning.message)
  process.on('warning', listen)
  onTestFinished(() => void process.off('warning', listen))
  const harness = await startHarness({
    serve({ vault }) {
      const mounted = mcpMount(vault, () => new other.McpServer(INFO))
      // What a mount throws, Koa prints.
      return async (ctx, next) => {
        try {
          await mounted(ctx, next)
        } catch (error) {
          told.push(String(error))
          throw error
        }
      }
    },
  })
  onTestFinished(() => harness.close())
  const token = await harness.identityProvider.issueAccessToken('alice')
  for (const era of ['modern', 'legacy'] as const) {
    told.length = 0
    await expect(connectClientV2(`${harness.baseUrl}/mcp`, token, { era })).rejects.toThrow()
    await expect.poll(() => told.join('\n')).toMatch(/mcpMount: [\s\S]*2\.\d+\.\d+ in \/.*server/)
  }
})

test('servers of the same copy, and of a class made from it, pass', () => {
  class Ours extends McpServer {}
  expect(credentialGate(new McpServer(INFO))).toBeTypeOf('function')
  expect(credentialGate(new Ours(INFO))).toBeTypeOf('function')
  expect(credentialGate(new Server(INFO))).toBeTypeOf('function')
})

test('a server whose own verify would refuse the state of gated calls is refused at start, unless it is wrapped', () => {
  const codec = createRequestStateCodec({ key: 'k'.repeat(32) })
  const error = thrownError(() => credentialGate(new McpServer(INFO, { requestState: { verify: codec.verify } })))
  expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'request_state' })
  expect(error.message).toContain('withGateState')
  const wrapped = new McpServer(INFO, { requestState: { verify: withGateState(codec.verify) } })
  expect(credentialGate(wrapped)).toBeTypeOf('function')
})
