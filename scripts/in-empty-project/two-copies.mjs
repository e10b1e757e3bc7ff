// The application has a copy of the SDK of its own, older than the one beside the library.
import assert from 'node:assert/strict'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'

assert.throws(
  () => credentialGate(new McpServer({ name: 'x', version: '1' })),
  ({ code, reason, message }) => {
    assert.deepEqual([code, reason], ['configuration_invalid', 'sdk_copies'])
    assert.match(message, /1\.26\.0 in .*application/)
    assert.match(message, /the gate, which has 1\.(?!26\.0)\d+\.\d+ in /)
    return true
  },
)
