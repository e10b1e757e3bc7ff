import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { ACCEPTED, type HarnessV2, KEY, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

let harness: HarnessV2
let token: string
let state: string
const url = () => `${harness.baseUrl}/mcp`
const requested = () => harness.audit.events.filter(({ type }) => type === 'credential.requested').length

beforeAll(async () => {
  harness = await startHarnessV2({ linkTtlSeconds: 60 })
  token = await harness.identityProvider.issueAccessToken('alice')
  state = (await rawLeg(url(), token)).result?.requestState ?? ''
})
afterEach(() => void vi.useRealTimers())
afterAll(() => harness.close())

async function expectAskedAnew(requestState: string): Promise<void> {
  const before = requested()
  const { status, result } = await rawLeg(url(), token, {
    ...{ requestState, inputResponses: ACCEPTED, signal: AbortSignal.timeout(10_000) },
  })
  expect(status).toBe(200)
  expect(result?.inputRequests?.[KEY]).toBeDefined()
  expect(requested()).toBe(before + 1)
}

function withByteFlipped(at: number): string {
  const [prefix = '', text = ''] = state.split('.')
  const bytes = Buffer.from(text, 'base64url')
  const index = Math.floor(at * (bytes.length - 1))
  bytes[index] = (bytes[index] ?? 0) ^ 1
  return `${prefix}.${bytes.toString('base64url')}`
}

test.each([0, 0.25, 0.5, 0.75, 1])('a state with one bit changed at %s of its length counts as none', (at) =>
  expectAskedAnew(withByteFlipped(at)),
)

test.each([
  ['empty', 'mcv1.'],
  ['plain JSON', `mcv1.${Buffer.from('{"round":7,"provider":"jira"}').toString('base64url')}`],
  ['not base64url', 'mcv1.%%%'],
  ['not ours', 'v1.e30.abc'],
  ['huge', `mcv1.${'A'.repeat(100_000)}`],
])('a state that is %s counts as none', (_, forged) => expectAskedAnew(forged))

test('a state that has lapsed counts as none', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 12 * 60_000 })
  token = await harness.identityProvider.issueAccessToken('alice')
  await expectAskedAnew(state)
})

test('no handler ran', () => {
  expect([...harness.runs]).toEqual([])
})
