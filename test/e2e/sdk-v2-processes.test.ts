import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillIn } from '../harness/mcp-harness.ts'
import { type PairV2, startPairV2 } from '../harness/replicas/pair-v2.ts'
import { ACCEPTED, KEY, rawLeg } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

let pair: PairV2
beforeAll(async () => {
  pair = await startPairV2()
})
afterAll(() => pair.stop())

test('two processes take turns with the legs of one call: one prompt, one line, one correlation id', async () => {
  const [one, other] = pair.endpoints
  const token = await pair.identityProvider.issueAccessToken('alice')
  const asked = await rawLeg(one, token)
  const link = asked.result?.inputRequests?.[KEY]?.params.url ?? ''

  // The process that did not ask repeats the same question, and then holds the call, whose client leaves.
  const { requestState } = asked.result ?? {}
  const repeated = await rawLeg(other, token, { requestState })
  expect(repeated.result?.inputRequests).toEqual(asked.result?.inputRequests)
  const gone = new AbortController()
  const left = rawLeg(other, token, { requestState, inputResponses: ACCEPTED, signal: gone.signal })
  gone.abort()
  await expect(left).rejects.toThrow()

  // The first process holds it, and the form is saved on either: that wakes the call.
  const held = rawLeg(one, token, { requestState: repeated.result?.requestState, inputResponses: ACCEPTED })
  await fillIn(link, 'alice', { pat: SECRET })
  expect((await held).result?.content?.[0]?.text).toBe(`${SECRET.length} characters by one`)
  const again = await rawLeg(other, token, { requestState, inputResponses: ACCEPTED })
  expect(again.result?.content?.[0]?.text).toBe(`${SECRET.length} characters by other`)

  const requested = pair.auditLines('credential.requested')
  expect(requested).toHaveLength(1)
  const ids = pair.auditLines('credential.resolved').map(({ correlationId }) => correlationId)
  expect(ids).toEqual([requested[0]?.correlationId, requested[0]?.correlationId])
})

test('a state of the one process, given to the other by another user, is no state there', async () => {
  const [one, other] = pair.endpoints
  const asked = await rawLeg(one, await pair.identityProvider.issueAccessToken('bob'))
  const carol = await pair.identityProvider.issueAccessToken('carol')
  const { result } = await rawLeg(other, carol, {
    requestState: asked.result?.requestState,
    inputResponses: ACCEPTED,
  })
  const link = result?.inputRequests?.[KEY]?.params.url
  expect(link).toContain('/credentials/jira/entry')
  expect(link).not.toBe(asked.result?.inputRequests?.[KEY]?.params.url)
})
