import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import type { ClientAnswer } from '../../../src/core/gate/client-port.ts'
import { createCompletionNotices } from '../../../src/core/gate/completion-notices.ts'
import { type GateOutcome, passGate } from '../../../src/core/gate/gate.ts'
import { createToolCall, markCall } from '../../../src/core/gate/tool-call.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { openLocalVault } from '../../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

// The legs of calls at the gate, with a real vault and a clock that the test moves.
const backend = memoryBackend()
const audit = memoryAudit()
const vault = await openLocalVault({ backend, audit, name: 'alice', warn: () => {} })
afterAll(() => vault.close())
const owner = { issuer: 'local-user', subject: 'alice' }

let serial = 0
function newProvider(): CredentialsProvider {
  serial += 1
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  return new CredentialsProvider({ vault, name: `jira-${serial}`, label: 'Jira', variables, tokenTimeoutSeconds: 600 })
}

interface Leg {
  readonly state?: string
  readonly answer?: ClientAnswer
  readonly beats?: number[]
  readonly signal?: AbortSignal
  readonly args?: unknown
}

function passLeg(jira: CredentialsProvider, leg: Leg = {}): Promise<GateOutcome<string>> {
  const { state, answer, beats, signal, args = { title: 'one' } } = leg
  return passGate({
    ...{ provider: jira, failFast: false, retry: true, tool: 'tool' },
    notices: createCompletionNotices(),
    authInfo: { extra: { iss: owner.issuer, sub: owner.subject } },
    toolCall: createToolCall([args]),
    client: {
      name: 'test-client',
      ability: 'url-elicitation',
      signal: signal ?? new AbortController().signal,
      progress: beats && (async (progress) => void beats.push(progress)),
      leg: { state, answerTo: (key) => (key === `credential:${jira.name}` ? answer : undefined) },
      askByUrl: () => expect.fail('asked on a stream'),
      notifyDone: () => expect.fail('notified'),
    },
    handler: async (_, inside) =>
      jira.getCredentials(markCall(extra(), inside)).use(({ pat }) => `ran with ${pat?.length}`),
  })
}

const extra = () => ({ signal: new AbortController().signal, requestId: 1 })

function asked(outcome: GateOutcome<string>): { state: string; url: string | undefined } {
  if (outcome.kind !== 'input-required') throw new Error(`not asked, but ${JSON.stringify(outcome)}`)
  return { state: outcome.state, url: outcome.question?.url }
}

const requested = () => audit.events.filter(({ type }) => type === 'credential.requested').length

afterEach(() => void vi.useRealTimers())

/** Runs a leg to its end by moving the clock. */
async function heldLeg(jira: CredentialsProvider, leg: Leg): Promise<GateOutcome<string>> {
  const running = passLeg(jira, leg)
  let over = false
  void running.finally(() => (over = true)).catch(() => undefined)
  for (let at = 0; at < 60 && !over; at += 1) await vi.advanceTimersByTimeAsync(1000)
  return running
}

test('a user who takes 70 seconds is asked once, and three legs have one line and one correlation id', async () => {
  const jira = newProvider()
  const before = audit.events.length
  const first = asked(await passLeg(jira))
  expect(first.url).toContain('/entry?t=')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  const beats: number[] = []
  const second = asked(await heldLeg(jira, { state: first.state, answer: 'accept', beats }))
  expect(second.url).toBeUndefined()
  expect(beats).toEqual([1, 2, 3, 4])
  vi.useRealTimers()
  await put(backend, storageKey(jira.name, owner), { pat: 'pat-of-alice' })
  const outcome = await passLeg(jira, { state: second.state })
  expect(outcome).toMatchObject({ kind: 'result', result: 'ran with 12' })
  const lines = audit.events.slice(before)
  expect(lines.filter(({ type }) => type === 'credential.requested')).toHaveLength(1)
  expect(new Set(lines.map(({ correlationId }) => correlationId)).size).toBe(1)
})

test('after the eighth leg a text with the same link ends the call', async () => {
  const jira = newProvider()
  const first = asked(await passLeg(jira))
  const before = requested()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  let { state } = asked(await heldLeg(jira, { state: first.state, answer: 'accept' }))
  for (let round = 1; round < 7; round += 1) state = asked(await heldLeg(jira, { state })).state
  const last = await heldLeg(jira, { state })
  expect(last).toMatchObject({ kind: 'text', text: expect.stringContaining('has not been entered yet') })
  expect(last).toMatchObject({ text: expect.stringContaining(first.url ?? 'no link') })
  expect(requested()).toBe(before)
})

test('a leg whose client is gone before it waits takes no place among the waiting calls', async () => {
  const jira = newProvider()
  const { state } = asked(await passLeg(jira))
  for (let at = 0; at < 101; at += 1)
    await expect(passLeg(jira, { state, answer: 'accept', signal: AbortSignal.abort() })).rejects.toThrow()
  const gone = new AbortController()
  const waiting = passLeg(jira, { state, answer: 'accept', signal: gone.signal })
  gone.abort()
  await expect(waiting).rejects.toThrow()
})

test('a provider that cannot carry calls over legs answers with the link as text', async () => {
  const jira = newProvider()
  await jira.ready()
  Object.defineProperty(jira, 'repeatedCalls', { value: undefined })
  expect(await passLeg(jira)).toMatchObject({ kind: 'text', text: expect.stringContaining('/entry?t=') })
})

test('a closing server without a shared store says that the link ends with it', async () => {
  const own = await openLocalVault({ backend: memoryBackend(), audit: memoryAudit(), name: 'alice', warn: () => {} })
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  const jira = new CredentialsProvider({ vault: own, name: 'jira', variables })
  const { state } = asked(await passLeg(jira))
  const waiting = passLeg(jira, { state, answer: 'accept' })
  await new Promise((resolve) => setImmediate(resolve))
  await own.close()
  expect(await waiting).toMatchObject({ kind: 'text', text: expect.stringContaining('its link has ended') })
})

class Pattern {
  readonly #source = 'a'
  matches = (text: string) => text === this.#source
}

test.each([
  ['a regular expression', /a/],
  ['an instance of a class', new Pattern()],
  ['a function', () => 'a'],
])('arguments that may differ unseen, as %s does, get the link as text and no state', async (_, pattern) => {
  const outcome = await passLeg(newProvider(), { args: { pattern } })
  expect(outcome).toEqual({ kind: 'text', text: expect.stringContaining('http') })
})

test.each([
  ['numbers', { limit: Number.NaN }, { limit: Number.POSITIVE_INFINITY }],
  ['dates', { from: new Date(0) }, { from: new Date(1) }],
  ['sets', { names: new Set(['a']) }, { names: new Set(['b']) }],
])('a state of other %s counts as none', async (_, args, others) => {
  const jira = newProvider()
  const { state } = asked(await passLeg(jira, { args }))
  expect(asked(await passLeg(jira, { args: others, state, answer: 'accept' })).url).toBeDefined()
})
