import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { CredentialHandle } from '../../../src/core/credentials/credential-handle.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type Harness, type jiraVariables, startHarness, type TestClient } from '../../harness/mcp-harness.ts'

// A handler that keeps handles in a variable of its module gives one user's call another user's secret, however the gate works.

type Handle = CredentialHandle<typeof jiraVariables>

const secretOf = (user: string) => `glpat-of-${user}-3f9d2c71e8b04a56`
const SHARED = 'glpat-of-the-team-77aa3f9d2c71'
const release = new Map<string, () => void>()
const handles = new Map<string, Handle>()

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({
    tools(server, gate, { jira }) {
      // Holds its call open, so that its handle still lives while another user's call uses it.
      server.registerTool(
        'hold',
        {},
        gate(jira, async (extra) => {
          const handle = jira.getCredentials(extra) as Handle
          await handle.use(() => undefined)
          const user = String(extra.authInfo?.extra?.['sub'])
          handles.set(user, handle)
          await new Promise<void>((resolve) => release.set(user, resolve))
          return { content: [] }
        }),
      )
      server.registerTool(
        'mix_up',
        {},
        gate(jira, async () => {
          const texts = await Promise.all([...handles.values()].map((handle) => handle.use(({ pat }) => `<${pat}>`)))
          return { content: texts.map((text) => ({ type: 'text' as const, text })) }
        }),
      )
      server.registerTool(
        'repeat',
        { inputSchema: { text: z.string() } },
        gate(jira, ({ text }, _extra) => ({ content: [{ type: 'text', text }] })),
      )
    },
  })
})
afterAll(() => harness.close())

const crossed = () => harness.audit.events.filter(({ type }) => type === 'credential.crossed')

async function hold(user: string, pat: string): Promise<() => Promise<unknown>> {
  await put(harness.backend, storageKey('jira', harness.owner(user)), { pat })
  const holding = (await harness.connect(user)).call('hold')
  await expect.poll(() => release.has(user)).toBe(true)
  return () => {
    release.get(user)?.()
    release.delete(user)
    handles.delete(user)
    return holding
  }
}

/** Calls until an answer was searched: the search gives way to other work. */
function crossedOf(user: string, client: TestClient): Promise<void> {
  const ofUser = () => crossed().filter(({ owner }) => owner?.subject === user)
  return expect.poll(() => client.call('mix_up').then(ofUser), { timeout: 60_000 }).toHaveLength(1)
}

/** Answers are searched in their order, so what is searched later proves that all answers before it were. */
async function allSearched(user: string): Promise<void> {
  const letGo = await hold(`friend-of-${user}`, secretOf(`friend-of-${user}`))
  await put(harness.backend, storageKey('jira', harness.owner(user)), { pat: secretOf(user) })
  await crossedOf(user, await harness.connect(user))
  await letGo()
}

test("an answer with another owner's secret is delivered unchanged, audited once a minute without the other's name, and turns health red", async () => {
  await put(harness.backend, storageKey('jira', harness.owner('bob')), { pat: secretOf('bob') })
  const letGo = await hold('alice', secretOf('alice'))
  const bob = await harness.connect('bob')
  const { text, isError } = await bob.text('mix_up')
  expect(isError).toBe(false)
  expect(text).toContain(secretOf('alice'))
  await crossedOf('bob', bob)
  const [line] = crossed()
  expect(line).toMatchObject({
    outcome: 'failure',
    owner: harness.owner('bob'),
    provider: 'jira',
    clientName: 'Test Client',
  })
  expect(JSON.stringify(line)).not.toContain('alice')
  expect(harness.vault.problems().get('calls')).toBe('credential_crossed')

  await bob.call('mix_up')
  await bob.call('mix_up')
  await letGo()
  await allSearched('carol')
  const ofBob = crossed().filter(({ owner }) => owner?.subject === 'bob')
  expect(ofBob).toHaveLength(1)
})

test('a secret that two owners share, and one that the client sent itself, raise no alarm', async () => {
  await put(harness.backend, storageKey('jira', harness.owner('erin')), { pat: secretOf('erin') })
  const letGo = await Promise.all([hold('dave', SHARED), hold('frank', SHARED)])
  const erin = await harness.connect('erin')
  expect((await erin.text('mix_up')).text).toContain(SHARED)
  for (const go of letGo) await go()
  const letHelenGo = await hold('helen', secretOf('helen'))
  const sent = { name: 'repeat', arguments: { text: `mine? ${secretOf('helen')}` } }
  expect(JSON.stringify(await erin.client.callTool(sent))).toContain(secretOf('helen'))
  await letHelenGo()
  await allSearched('grace')
  expect(crossed().filter(({ owner }) => owner?.subject === 'erin')).toEqual([])
})
