import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { createSealer, type SealPurpose } from '../../../src/core/crypto/seal.ts'
import { stateBinding } from '../../../src/core/gate/call-state.ts'
import { linkIn } from '../../harness/mcp-harness.ts'
import { ACCEPTED, type HarnessV2, KEY, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

// The states are sealed with the server's own web key, so that each differs from a good one in a single field and in nothing else. The
// tool answers without a wait: a leg that takes the state for its own says so at once, by asking nothing.
const TOOL = 'fail_fast'
const LATER = 10 * 60_000
const webKey = generateKeyText()

interface Parts {
  readonly key: string
  readonly purpose: SealPurpose
  readonly prefix: string
  readonly expiresAt: number
  readonly issuer: string
  readonly subject: string
  readonly clientId: string | undefined
  readonly tool: string | undefined
  readonly arguments: unknown
  readonly state: Readonly<Record<string, unknown>>
}

let harness: HarnessV2
let token: string
let good: Parts
const url = () => `${harness.baseUrl}/mcp`
const requested = () => harness.audit.events.filter(({ type }) => type === 'credential.requested')
const handleOf = (link: string | undefined) => new URL(link ?? '').searchParams.get('t') ?? ''

beforeAll(async () => {
  harness = await startHarnessV2({ vault: { webKey } })
  token = await harness.identityProvider.issueAccessToken('alice', { clientId: 'editor' })
  const { result } = await rawLeg(url(), token, { tool: TOOL })
  good = {
    ...{ key: webKey, purpose: 'call-state', prefix: 'mcv1.', expiresAt: Date.now() + LATER },
    ...{ issuer: harness.identityProvider.issuer, subject: 'alice', clientId: 'editor', tool: TOOL },
    arguments: { name: TOOL, arguments: {} },
    state: {
      handle: handleOf(result?.inputRequests?.[KEY]?.params.url),
      provider: 'jira',
      round: 0,
      correlationId: requested()[0]?.correlationId,
    },
  }
})
afterAll(() => harness.close())

function sealed({ key, purpose, prefix, expiresAt, state, ...call }: Parts): string {
  const { issuer, subject, clientId, tool } = call
  const user = { issuer, subject, ...(clientId !== undefined && { clientId }) }
  const binding = stateBinding({ user, tool }, call.arguments)
  return prefix + createSealer(parseKey(key, 'the test')).seal(purpose, state, expiresAt, binding)
}

const leg = (parts: Parts) =>
  rawLeg(url(), token, { tool: TOOL, requestState: sealed(parts), inputResponses: ACCEPTED })

test('the state that the others differ from is the call’s own: nothing is asked again', async () => {
  const before = requested().length
  const { result } = await leg(good)
  expect(result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
  expect(result?.inputRequests).toBeUndefined()
  expect(requested()).toHaveLength(before)
})

const inState =
  (changed: Readonly<Record<string, unknown>>) =>
  ({ state }: Parts) => ({ state: { ...state, ...changed } })
const without =
  (field: string) =>
  ({ state }: Parts) => ({
    state: Object.fromEntries(Object.entries(state).filter(([name]) => name !== field)),
  })

/** What differs from the good state, and how. */
const ALTERED: Readonly<Record<string, (parts: Parts) => Partial<Parts>>> = {
  'the web key': () => ({ key: generateKeyText() }),
  'the purpose: a reference to a credential': () => ({ purpose: 'reference' }),
  'the purpose: a pending request': () => ({ purpose: 'pending-request' }),
  'the purpose: a session cookie': () => ({ purpose: 'session-cookie' }),
  'the prefix': () => ({ prefix: 'mcv2.' }),
  'the expiry: lapsed': () => ({ expiresAt: Date.now() - 1 }),
  issuer: () => ({ issuer: 'https://login.example.com' }),
  'the same issuer with a slash': ({ issuer }) => ({ issuer: `${issuer}/` }),
  'owner: Bob': () => ({ subject: 'bob' }),
  'owner: in capitals': () => ({ subject: 'ALICE' }),
  client: () => ({ clientId: 'other' }),
  'client: none': () => ({ clientId: undefined }),
  tool: () => ({ tool: 'read_secret' }),
  'tool: none': () => ({ tool: undefined }),
  arguments: () => ({ arguments: { name: TOOL, arguments: { times: 2 } } }),
  'arguments: none': () => ({ arguments: { name: TOOL } }),
  'the name in the request': () => ({ arguments: { name: 'strict', arguments: {} } }),
  provider: inState({ provider: 'wiki' }),
  'provider: another account': inState({ provider: 'jira@work' }),
  'provider: none': without('provider'),
  'round: below the first': inState({ round: -1 }),
  'round: a part': inState({ round: 0.5 }),
  'round: a text': inState({ round: '0' }),
  'round: none': without('round'),
  'handle: a number': inState({ handle: 1 }),
  'handle: none': without('handle'),
  'correlation id: a number': inState({ correlationId: 1 }),
  'correlation id: none': without('correlationId'),
  'a field more': inState({ admin: true }),
}

test.each(Object.entries(ALTERED))(
  '%s differs: it is no state, and the user is asked anew',
  async (_field, altered) => {
    const before = requested().length
    const { status, result } = await leg({ ...good, ...altered(good) })
    expect(status).toBe(200)
    expect(result?.inputRequests?.[KEY]?.params.url).toContain('/credentials/jira/entry')
    expect(requested()).toHaveLength(before + 1)
  },
)

/** Fields that the seal cannot tell from good ones. Only the server's own code can have sealed them. */
test.each<[string, () => Promise<string>]>([
  ['of nobody', async () => 'A'.repeat(43)],
  ['not one', async () => '../admin'],
  [
    "of Bob's open link",
    async () => {
      const bob = await harness.identityProvider.issueAccessToken('bob', { clientId: 'editor' })
      const { result } = await rawLeg(url(), bob, { tool: TOOL })
      return handleOf(result?.inputRequests?.[KEY]?.params.url)
    },
  ],
])('a handle that is %s opens nothing: a text without a link', async (_whose, handle) => {
  const given = await handle()
  const before = requested().length
  const { result } = await leg({ ...good, state: { ...good.state, handle: given } })
  expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('has expired') }] })
  expect(linkIn(result?.content?.[0]?.text ?? '')).toBe('')
  expect(requested()).toHaveLength(before)
})

test('a round after the last holds nothing: a text that the form is still open', async () => {
  const { result } = await leg({ ...good, state: { ...good.state, round: 99 } })
  expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('not been entered yet') }] })
})

test('no handler ran', () => {
  expect([...harness.runs]).toEqual([])
})
