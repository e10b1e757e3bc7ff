import { createRequire } from 'node:module'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { expect, test } from 'vitest'
import { credentialGate } from '../../../src/mcp/sdk-v1/index.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const require = createRequire(import.meta.url)
// require() and import load separate classes, like two installed copies.
const other: { McpServer: typeof McpServer } = require('@modelcontextprotocol/sdk/server/mcp.js')
const INFO = { name: 'x', version: '1' }

test('a server of another copy of the SDK is refused, and ours is named with its version', () => {
  expect(other.McpServer).not.toBe(McpServer)
  const error = thrownError(() => credentialGate(new other.McpServer(INFO)))
  expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'sdk_copies' })
  expect(error.message).toMatch(/1\.\d+\.\d+ in \/.*node_modules\/@modelcontextprotocol\/sdk/)
  expect(error.message).toContain('npm dedupe')
})

test('servers of the same copy, and of a class made from it, pass', () => {
  class Ours extends McpServer {}
  expect(credentialGate(new McpServer(INFO))).toBeTypeOf('function')
  expect(credentialGate(new Ours(INFO))).toBeTypeOf('function')
})
