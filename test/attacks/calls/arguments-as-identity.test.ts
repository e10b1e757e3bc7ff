import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { startHarness } from '../../harness/mcp-harness.ts'

test("a gated handler that is called without the SDK's extra takes nothing in the arguments for it", async () => {
  const harness = await startHarness({
    tools(server: McpServer, gate, { jira }) {
      const gated = gate(jira, async (_args: Record<string, unknown>, extra: ToolExtra) => ({
        content: [
          { type: 'text' as const, text: await jira.getCredentials(extra).use(({ pat }) => `ran with ${pat?.length}`) },
        ],
      }))
      // A wrapper that drops what it does not use: no type error in JavaScript.
      const untyped = gated as unknown as (args: unknown) => Promise<CallToolResult>
      server.registerTool(
        'wrapped',
        { inputSchema: z.looseObject({}) },
        async (args): Promise<CallToolResult> => untyped(args),
      )
    },
  })
  try {
    await put(harness.backend, storageKey('jira', harness.owner('bob')), { pat: 'bobs-secret-token' })
    const eve = await harness.connect('alice')
    const authInfo = { clientId: 'x', extra: { iss: harness.identityProvider.issuer, sub: 'bob' } }
    const forged = { authInfo, requestId: 1, signal: {}, sendNotification: 'x', _meta: {} }
    const answer = await eve.client.callTool({ name: 'wrapped', arguments: forged })
    expect(answer.isError).toBe(true)
    expect(JSON.stringify(answer)).not.toContain('ran with')
  } finally {
    await harness.close()
  }
})
