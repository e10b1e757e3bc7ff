import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { fillIn, type Harness, startHarness } from '../../harness/mcp-harness.ts'

const variables = { pat: { label: 'Token', type: 'password' } } as const
const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
let harness: Harness
let runs: string[] = []
let late: Promise<string> | undefined
let unmarkable = ''
const memory = memoryBackend()
const backend: SecretBackend = {
  ...memory,
  async markRejected(...given) {
    return memory.markRejected?.(...given) ?? false
  },
  async stat(key, made) {
    if (key.provider === unmarkable) throw new CredentialVaultError('record_tampered', 'changed', { reason: 'seal' })
    return memory.stat(key, made)
  },
}

beforeAll(async () => {
  harness = await startHarness({
    backend,
    cacheSeconds: 0,
    tools(server, gate, { jira, vault }) {
      const forge = new CredentialsProvider({ vault, name: 'forge', variables, accounts: ['work', 'personal'] })
      // A tool that copies from one account to the other, both at the same time, for a user of Jira.
      server.registerTool(
        'side_by_side',
        {},
        gate(jira, async (outer) => {
          const upload = gate(forge, { account: 'personal' }, async (extra) => {
            runs.push('upload')
            await forge.getCredentials(extra, { account: 'personal' }).use(() => pause(300))
            return answer('uploaded')
          })
          const look = gate(forge, { account: 'work' }, async (extra) => {
            runs.push('look')
            await pause(100)
            const handle = forge.getCredentials(extra, { account: 'work' })
            await handle.use(() => undefined)
            await handle.reject({ status: 401 })
            return answer('looked')
          })
          const done = await Promise.allSettled([upload(outer as never), look(outer as never)])
          return answer(
            JSON.stringify(done.map((one) => (one.status === 'fulfilled' ? one.value.content[0] : String(one.reason)))),
          )
        }),
      )
      server.registerTool(
        'one_ends_first',
        {},
        gate(jira, async (outer) => {
          const short = gate(forge, { account: 'personal' }, async () => {
            await pause(100)
            return answer('short')
          })
          const long = gate(forge, { account: 'work' }, async (extra) => {
            const handle = forge.getCredentials(extra, { account: 'work' })
            await pause(300)
            return answer(await handle.use(({ pat }) => `long ${pat.length}`))
          })
          const done = await Promise.allSettled([short(outer as never), long(outer as never)])
          return answer(
            JSON.stringify(done.map((one) => (one.status === 'fulfilled' ? one.value.content[0] : String(one.reason)))),
          )
        }),
      )
      server.registerTool(
        'late',
        {},
        gate(jira, async (outer) => {
          const short = gate(forge, { account: 'personal' }, async (extra) => {
            late = pause(150)
              .then(() => forge.getCredentials(extra).use(({ pat }) => pat))
              .catch((error) => error.code)
            return answer('short')
          })
          const long = gate(forge, { account: 'work' }, async () => {
            await pause(400)
            return answer('long')
          })
          await Promise.all([short(outer as never), long(outer as never)])
          await late
          return answer('done')
        }),
      )
      server.registerTool(
        'reject_both',
        {},
        gate(
          jira,
          gate(forge, { retry: false }, async (extra) => {
            for (const account of [undefined, 'work', 'personal'] as const) {
              const handle = forge.getCredentials(extra, { account })
              await handle.use(() => undefined)
              await handle.reject({ status: 401 })
            }
            unmarkable = 'forge'
            return answer('rejected')
          }),
        ),
      )
    },
  })
})
beforeEach(async () => {
  runs = []
  unmarkable = ''
  for (const provider of ['jira', 'forge', 'forge@work', 'forge@personal']) {
    await harness.forget('alice', provider)
    await put(memory, storageKey(provider, harness.owner('alice')), { pat: `tok-of-${provider.replace('@', '-')}` })
  }
})
afterAll(() => harness.close())
const rejected = async (provider: string) => {
  const status = await memory.stat(storageKey(provider, harness.owner('alice')), call())
  return status.status === 'active' && status.labels?.rejectedAt !== undefined
}

test('a rejection in one gate does not run the handler of the gate beside it again', async () => {
  const alice = await harness.connect('alice', {
    onLink: (link) => {
      void fillIn(link, 'alice', { pat: 'tok-of-work-new' }).catch(() => undefined)
      return 'accept'
    },
  })
  const { text } = await alice.text('side_by_side')
  expect({ runs: runs.filter((run) => run === 'upload'), text }).toMatchObject({ runs: ['upload'] })
})
test('a handle does not end with the gate beside its own', async () => {
  const alice = await harness.connect('alice')
  expect((await alice.text('one_ends_first')).text).toContain('long 17')
})
test('a handler that has ended does not get the account of the gate beside it', async () => {
  const alice = await harness.connect('alice')
  await alice.text('late')
  expect(await late).not.toBe('tok-of-forge-work')
})
test('a damaged record of one account does not lose the rejections of the others', async () => {
  const alice = await harness.connect('alice')
  await alice.text('reject_both')
  expect([await rejected('forge@work'), await rejected('forge@personal')]).toEqual([true, true])
})
