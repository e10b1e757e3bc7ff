import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put, remove } from '../../../src/testing/secret-backend/calls.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { fillIn, type Harness, startHarness } from '../../harness/mcp-harness.ts'

const variables = { pat: { label: 'Token', type: 'password' } } as const
const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
const memory = memoryBackend()
let harness: Harness
let runs = 0
beforeAll(async () => {
  harness = await startHarness({
    backend: memory,
    cacheSeconds: 0,
    tools(server, gate, { vault }) {
      const forge = new CredentialsProvider({ vault, name: 'forge', variables, accounts: ['work'] })
      // Uses the work account if it can, else the unnamed one, and writes something there.
      server.registerTool(
        'fallback',
        {},
        gate(forge, async (extra) => {
          runs += 1
          const used = await forge
            .getCredentials(extra, { account: 'work' })
            .use(() => 'work')
            .catch(() => forge.getCredentials(extra, { account: undefined }).use(() => 'unnamed'))
          return answer(`written as ${used}`)
        }),
      )
      // Rejects its own token, then stops at a tool of its own that lacks another service's credential.
      server.registerTool(
        'stopped_elsewhere',
        {},
        gate(forge, { retry: false }, async (extra) => {
          const handle = forge.getCredentials(extra)
          await handle.use(() => undefined)
          await handle.reject({ status: 401 })
          throw new CredentialVaultError('credential_absent', 'Uploaded; no mirror is set up.', { provider: 'mirror' })
        }),
      )
      // The same, where it is another account of the same service that stops it.
      server.registerTool(
        'stopped_by_work',
        {},
        gate(forge, { retry: false }, async (extra) => {
          const handle = forge.getCredentials(extra)
          await handle.use(() => undefined)
          await handle.reject({ status: 401 })
          return answer(await forge.getCredentials(extra, { account: 'work' }).use(() => 'work'))
        }),
      )
    },
  })
})
afterAll(() => harness.close())
beforeEach(() => {
  runs = 0
})

const states: Record<string, () => Promise<void>> = {
  absent: async () => undefined,
  revoked: async () => void (await remove(memory, work())),
  expired: async () =>
    void (await put(memory, work(), { pat: 'tok-of-work' }, { labels: { expiresAt: new Date(Date.now() - 1000) } })),
  rejected: async () => {
    const version = await put(memory, work(), { pat: 'tok-of-work' })
    await memory.markRejected?.(work(), version, new Date(), call())
  },
}
const work = () => storageKey('forge@work', harness.owner('alice'))

test.each(Object.keys(states))(
  'a handler that goes on without an account that is %s keeps its answer',
  async (state) => {
    await harness.forget('alice', 'forge@work')
    await put(memory, storageKey('forge', harness.owner('alice')), { pat: 'tok-of-forge' })
    await put(memory, work(), { pat: 'tok-of-work' })
    await (state === 'absent' ? harness.forget('alice', 'forge@work') : states[state]?.())
    const alice = await harness.connect('alice', {
      onLink: (link) => {
        void fillIn(link, 'alice', { pat: 'tok-of-work-2' }).catch(() => undefined)
        return 'accept'
      },
    })
    const { text } = await alice.text('fallback')
    expect({ runs, text, links: alice.links.length }).toEqual({ runs: 1, text: 'written as unnamed', links: 0 })
  },
)

test("a handler that opted out keeps its own error, although that is about another service's credential", async () => {
  await put(memory, storageKey('forge', harness.owner('alice')), { pat: 'tok-of-forge' })
  const alice = await harness.connect('alice')
  expect(await alice.text('stopped_elsewhere')).toEqual({ text: 'Uploaded; no mirror is set up.', isError: true })
})

test('a handler that opted out is asked for the account that stopped it, not for the one that it rejected', async () => {
  await put(memory, storageKey('forge', harness.owner('alice')), { pat: 'tok-of-forge' })
  await harness.forget('alice', 'forge@work')
  const alice = await harness.connect('alice')
  const { text } = await alice.text('stopped_by_work')
  expect(text).toContain('Forge (work)')
})
