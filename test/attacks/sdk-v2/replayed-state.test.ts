import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { fillIn } from '../../harness/mcp-harness.ts'
import { ACCEPTED, type HarnessV2, KEY, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

let harness: HarnessV2
let token: string
let state: string
let link: string
const url = () => `${harness.baseUrl}/mcp`
const replay = (inputResponses: Record<string, unknown> = ACCEPTED) =>
  rawLeg(url(), token, { requestState: state, inputResponses, signal: AbortSignal.timeout(10_000) })

beforeAll(async () => {
  harness = await startHarnessV2()
  token = await harness.identityProvider.issueAccessToken('alice')
})
beforeEach(async () => {
  await harness.forget('alice')
  const { result } = await rawLeg(url(), token)
  state = result?.requestState ?? ''
  link = result?.inputRequests?.[KEY]?.params.url ?? ''
})
afterAll(() => harness.close())

test('after its use, the state is a call like any other: it asks nothing and keeps nothing open', async () => {
  await fillIn(link, 'alice', { pat: SECRET })
  for (const _ of [1, 2]) expect((await replay()).result?.content?.[0]?.text).toContain(`${SECRET.length} characters`)
})

test('after the credential was revoked, the state gives it back to nobody: asked anew with a new link', async () => {
  await fillIn(link, 'alice', { pat: SECRET })
  await replay()
  await harness.jira.invalidateCredentials(harness.owner('alice'))
  const runs = harness.runs.get('read_secret')
  const { result } = await replay()
  expect(result?.inputRequests?.[KEY]?.params.url).toMatch(/\/entry/)
  expect(result?.inputRequests?.[KEY]?.params.url).not.toBe(link)
  expect(harness.runs.get('read_secret')).toBe(runs)
})

test('after a decline, the state opens no new link and holds nothing', async () => {
  await replay({ [KEY]: { action: 'decline' } })
  const { result } = await replay()
  expect(result).toMatchObject({ isError: true })
  expect(result?.content?.[0]?.text).toContain('declined')
  expect(result?.content?.[0]?.text).not.toContain('http')
})

test('a decline with a used state ends no other link', async () => {
  await replay({ [KEY]: { action: 'decline' } })
  const next = await rawLeg(url(), token)
  await replay({ [KEY]: { action: 'decline' } })
  const again = await rawLeg(url(), token, { requestState: next.result?.requestState })
  expect(again.result?.inputRequests).toEqual(next.result?.inputRequests)
})
