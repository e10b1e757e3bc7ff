import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { type Harness, jiraVariables, startHarness } from '../../harness/mcp-harness.ts'

/** Runs a job some time later, as a queue that all calls share does. */
export type Queue = <T>(job: () => Promise<T>) => Promise<T>

const USERS = ['alice', 'bob', 'carol', 'dave'] as const
const CALLS_EACH = 3
const secretOf = (user: string) => `tok-of-${user}-3f9d2c71e8b04a56`

/** What a careful tool says of a secret without saying it: whose it is. */
const whose = (pat: string) => /^tok-of-(\w+)-/.exec(pat)?.[1] ?? 'nobody'

const PLACES = ['inside the handler', 'in front of the gate'] as const

/** Each call behind a queue that all calls share gets its own user's credential or, where two users are named for it, none. */
export function describeQueue(name: string, queue: Queue): void {
  test.each(PLACES)(`each call behind a shared ${name}, %s, gets its own credential`, (place) =>
    eachActsAsThemselves(queue, place),
  )
  test(`a call behind a shared ${name} is never gated as the user of another call's userContext`, () =>
    noneActsAsAnother(queue))
}

/** Every user calls several times at once, and each call has to act as its own user, in the answer and in the audit log. */
export async function eachActsAsThemselves(
  queue: Queue,
  place: 'inside the handler' | 'in front of the gate',
): Promise<void> {
  const harness = await startHarness({
    tools(server, gate, { jira }) {
      const work = async (extra: ToolExtra): Promise<CallToolResult> => {
        const text = await jira.getCredentials(extra).use(async ({ pat }) => {
          // A request to the service takes its time, so that jobs overlap.
          await nextTurn()
          return whose(String(pat))
        })
        return { content: [{ type: 'text', text }] }
      }
      const gated = gate(jira, work)
      const queuedInside = gate(jira, (extra) => queue(() => work(extra)))
      server.registerTool(
        'whoami',
        {},
        place === 'inside the handler' ? queuedInside : (extra) => queue(() => gated(extra)),
      )
    },
  })
  try {
    const answers = await callAll(harness)
    for (const [user, answer] of answers) expect(answer).toEqual({ text: user, isError: false })
    expect(answers).toHaveLength(USERS.length * CALLS_EACH)
    const released = harness.audit.events.filter(({ type }) => type === 'credential.resolved')
    const count = (user: string) => released.filter(({ owner }) => owner?.subject === user).length
    expect(USERS.map(count)).toEqual(USERS.map(() => CALLS_EACH))
  } finally {
    await harness.close()
  }
}

async function noneActsAsAnother(queue: Queue): Promise<void> {
  const harness = await startHarness({
    tools(server, gate, { vault }) {
      // What the bearer gate sets for the request that is served, as the ancestor's users pass it.
      const { userContext } = vault
      const jira = new CredentialsProvider({ vault, name: 'jira', variables: jiraVariables, userContext })
      const gated = gate(jira, async (extra) => {
        const text = await jira.getCredentials(extra).use(async ({ pat }) => {
          await nextTurn()
          return whose(pat)
        })
        return { content: [{ type: 'text', text }] }
      })
      server.registerTool('whoami', {}, (extra) => queue(() => gated(extra)))
    },
  })
  try {
    const answers = await callAll(harness)
    for (const [user, { text, isError }] of answers) {
      if (isError) expect(text).toContain('needs to know who is calling')
      else expect(text).toBe(user)
    }
  } finally {
    await harness.close()
  }
}

async function callAll(harness: Harness): Promise<readonly [string, { text: string; isError: boolean }][]> {
  for (const user of USERS) await put(harness.backend, storageKey('jira', harness.owner(user)), { pat: secretOf(user) })
  const clients = await Promise.all(USERS.map(async (user) => [user, await harness.connect(user)] as const))
  const rounds = Array.from({ length: CALLS_EACH }, () => clients).flat()
  return Promise.all(rounds.map(async ([user, client]) => [user, await client.text('whoami')] as const))
}
