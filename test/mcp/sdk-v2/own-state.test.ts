import { createRequestStateCodec, inputRequired, inputResponse } from '@modelcontextprotocol/server'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ToolExtra, withGateState } from '../../../src/mcp/sdk-v2/index.ts'
import { fillIn } from '../../harness/mcp-harness.ts'
import { ACCEPTED, type HarnessV2, KEY, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const codec = createRequestStateCodec<{ step: number }>({ key: 'k'.repeat(32) })

let harness: HarnessV2
const seen: unknown[] = []

beforeAll(async () => {
  harness = await startHarnessV2({
    serverOptions: { requestState: { verify: withGateState(codec.verify) } },
    tools(server, gate, { jira }) {
      server.registerTool(
        'confirm',
        {},
        gate(jira, async (ctx: ToolExtra) => {
          seen.push(ctx.mcpReq.requestState())
          const answer = inputResponse(ctx.mcpReq.inputResponses, 'sure')
          if (answer.kind === 'missing')
            return inputRequired({
              inputRequests: { sure: inputRequired.elicitUrl({ message: 'Sure?', url: 'https://example.com/sure' }) },
              requestState: await codec.mint({ step: 1 }),
            })
          return {
            content: [{ type: 'text', text: `sure at step ${ctx.mcpReq.requestState<{ step: number }>()?.step}` }],
          }
        }),
      )
    },
  })
})
afterEach(async () => {
  seen.length = 0
  await harness.forget('alice')
})
afterAll(() => harness.close())

test.each(['modern', 'legacy'] as const)(
  '%s: a gated tool with questions and a state of its own finishes both flows',
  async (era) => {
    const alice = await harness.connectV2('alice', {
      era,
      onLink: async (link): Promise<'accept'> => {
        if (!link.startsWith('https://example.com')) await fillIn(link, 'alice', { pat: SECRET })
        return 'accept'
      },
    })
    expect(await alice.text('confirm')).toEqual({ text: 'sure at step 1', isError: false })
    expect(alice.links).toHaveLength(2)
    // The handler never finds the gate's state in place of its own.
    expect(seen).toEqual([undefined, { step: 1 }])
  },
)

test('what the application refuses is still refused, with error -32602', async () => {
  const token = await harness.identityProvider.issueAccessToken('alice')
  const answer = await rawLeg(`${harness.baseUrl}/mcp`, token, { tool: 'confirm', requestState: 'v1.e30.forged' })
  expect(answer.error).toMatchObject({ code: -32_602 })
  const ours = await rawLeg(`${harness.baseUrl}/mcp`, token, {
    tool: 'confirm',
    requestState: 'mcv1.forged',
    inputResponses: ACCEPTED,
  })
  expect(ours.result?.inputRequests?.[KEY]).toBeDefined()
  expect(seen).toEqual([])
})
