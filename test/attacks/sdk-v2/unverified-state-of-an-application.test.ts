import { createRequestStateCodec } from '@modelcontextprotocol/server'
import { expect, onTestFinished, test } from 'vitest'
import { withGateState } from '../../../src/mcp/sdk-v2/index.ts'
import { rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

// An application verifies each state of its tools. A client puts the gate's prefix in front of a state that nobody has sealed.
test("the gate's prefix does not carry a forged state past the application's verify", async () => {
  const codec = createRequestStateCodec<{ step: number }>({ key: 'k'.repeat(32) })
  const seen: unknown[] = []
  const harness = await startHarnessV2({
    serverOptions: { requestState: { verify: withGateState(codec.verify) } },
    tools(server) {
      server.registerTool('ungated', {}, async (ctx) => {
        seen.push(ctx.mcpReq.requestState())
        return { content: [{ type: 'text', text: 'ran' }] }
      })
    },
  })
  onTestFinished(() => harness.close())
  const token = await harness.identityProvider.issueAccessToken('alice')
  const forged = 'mcv1.{"step":99,"approved":true}'
  const answer = await rawLeg(`${harness.baseUrl}/mcp`, token, { tool: 'ungated', requestState: forged })
  // Either refused, or without a state: never what the client made up.
  expect({ error: answer.error?.code, seen }).not.toMatchObject({ seen: [forged] })
})
