import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { ACCEPTED, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

// The client repeats the very same call; the tool's schema fills in what differs each time.
test('a default that differs in each leg does not make the call ask its user again', async () => {
  const harness = await startHarnessV2({
    tools(server, gate, { jira }) {
      const inputSchema = z.object({ at: z.number().default(() => performance.now()) })
      server.registerTool(
        'timed',
        { inputSchema },
        gate(jira, { failFast: true }, async (_args, _extra) => ({ content: [{ type: 'text', text: 'ran' }] })),
      )
    },
  })
  onTestFinished(() => harness.close())
  const token = await harness.identityProvider.issueAccessToken('alice')
  const call = (more: object = {}) => rawLeg(`${harness.baseUrl}/mcp`, token, { tool: 'timed', ...more })
  const { result } = await call()
  const { result: second } = await call({ requestState: result?.requestState, inputResponses: ACCEPTED })
  expect(second).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
  expect(second?.inputRequests).toBeUndefined()
  expect(harness.audit.events.filter(({ type }) => type === 'credential.requested')).toHaveLength(1)
})
