import { afterAll, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { ACCEPTED, type HarnessV2, KEY, type RawAnswer, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

let harness: HarnessV2
let asked: RawAnswer
const url = () => `${harness.baseUrl}/mcp`
const tokenOf = (user: string, clientId = 'editor') => harness.identityProvider.issueAccessToken(user, { clientId })
const linkOf = (answer: RawAnswer) => answer.result?.inputRequests?.[KEY]?.params.url
const stolen = () => ({ requestState: asked.result?.requestState, inputResponses: ACCEPTED })

beforeAll(async () => {
  harness = await startHarnessV2()
  asked = await rawLeg(url(), await tokenOf('alice'))
})
afterAll(() => harness.close())

test('the state shows nothing of its owner, its link or its provider', () => {
  const state = asked.result?.requestState ?? ''
  const handle = new URL(linkOf(asked) ?? '').searchParams.get('t') ?? ''
  const bytes = Buffer.from(state.split('.')[1] ?? '', 'base64url').toString('latin1')
  for (const shown of ['alice', 'jira', harness.identityProvider.issuer, handle, 'read_secret'])
    for (const text of [state, bytes]) expect(text).not.toContain(shown)
})

test('without a token the state is nothing', async () => {
  expect((await rawLeg(url(), 'none', stolen())).status).toBe(401)
})

test('Bob, with the state of Alice, is asked anew with a link of his own, and waits for nothing', async () => {
  const bob = await rawLeg(url(), await tokenOf('bob'), stolen())
  expect(linkOf(bob)).toMatch(/\/credentials\/jira\/entry/)
  expect(linkOf(bob)).not.toBe(linkOf(asked))
})

test("a decline with Alice's state leaves her link open", async () => {
  const declined = { [KEY]: { action: 'decline' } }
  await rawLeg(url(), await tokenOf('bob'), { ...stolen(), inputResponses: declined })
  const again = await rawLeg(url(), await tokenOf('alice'), { requestState: asked.result?.requestState })
  expect(linkOf(again)).toBe(linkOf(asked))
})

test('another client of Alice is asked anew, with a link of its own', async () => {
  const other = await rawLeg(url(), await tokenOf('alice', 'other'), stolen())
  expect(linkOf(other)).toBeDefined()
  expect(linkOf(other)).not.toBe(linkOf(asked))
})

test("Bob, connected himself, uses his own credential and not Alice's, and joins no line to hers", async () => {
  await put(harness.backend, storageKey('jira', harness.owner('bob')), { pat: SECRET })
  const before = harness.audit.events.length
  const { result } = await rawLeg(url(), await tokenOf('bob'), stolen())
  expect(result?.content?.[0]?.text).toBe(`a secret of ${SECRET.length} characters`)
  const requested = harness.audit.events.find(({ type }) => type === 'credential.requested')
  const lines = harness.audit.events.slice(before)
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines) expect(line.correlationId).not.toBe(requested?.correlationId)
})

test('no handler ran for Alice', () => {
  expect(harness.runs.get('read_secret')).toBe(1)
})
