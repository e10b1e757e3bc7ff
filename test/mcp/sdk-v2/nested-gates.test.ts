import type { McpServerOptions } from '@modelcontextprotocol/server'
import { expect, onTestFinished, test } from 'vitest'
import { withGateState } from '../../../src/mcp/sdk-v2/index.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { fillIn } from '../../harness/mcp-harness.ts'
import { rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

const variables = { pat: { label: 'Token', type: 'password' } } as const

// The client repeats the call with the state of the inner gate, which the outer gate's handler must not find.
test.each<[string, McpServerOptions]>([
  ['', {}],
  [', with a state of the application beside it', { requestState: { verify: withGateState(() => expect.fail()) } }],
])('a gate inside a gate asks once and then waits%s', async (_, serverOptions) => {
  const states: unknown[] = []
  const harness = await startHarnessV2({
    serverOptions,
    tools(server, gate, { jira, vault }) {
      const other = new CredentialsProvider({ vault, name: 'other', variables })
      const inner = gate(other, async (_extra) => ({ content: [{ type: 'text' as const, text: 'ran' }] }))
      const outer = gate(jira, async (extra) => {
        states.push(extra.mcpReq.requestState())
        return inner(extra)
      })
      server.registerTool('both', {}, outer)
    },
  })
  onTestFinished(() => harness.close())
  const token = await harness.identityProvider.issueAccessToken('alice')
  const leg = async (more: object = {}) =>
    (await rawLeg(`${harness.baseUrl}/mcp`, token, { tool: 'both', ...more })).result
  const accepted = (key: string) => ({ [key]: { action: 'accept' } })
  const first = await leg()
  const secret = { pat: 'tok-3f9d2c71e8b04a56' }
  await fillIn(first?.inputRequests?.['credential:jira']?.params.url ?? '', 'alice', secret)
  const second = await leg({ requestState: first?.requestState, inputResponses: accepted('credential:jira') })
  const link = second?.inputRequests?.['credential:other']?.params.url ?? ''
  const third = leg({ requestState: second?.requestState, inputResponses: accepted('credential:other') })
  await expect.poll(() => states.length, { timeout: 30_000 }).toBe(2)
  await fillIn(link, 'alice', secret)
  expect((await third)?.content).toEqual([{ type: 'text', text: 'ran' }])
  const requested = harness.audit.events.filter(({ type }) => type === 'credential.requested')
  expect(requested.map(({ provider }) => provider)).toEqual(['jira', 'other'])
  expect(new Set(requested.map(({ correlationId }) => correlationId)).size).toBe(1)
  expect(states).toEqual([undefined, undefined])
})
