import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import type { ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { fillIn, type Harness, startHarness } from '../../harness/mcp-harness.ts'

const variables = { pat: { label: 'Token', type: 'password' } } as const
const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
function signal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
const ends = async (work: Promise<CallToolResult>[]) =>
  JSON.stringify(
    (await Promise.allSettled(work)).map((one) =>
      one.status === 'fulfilled' ? one.value.content[0] : String(one.reason),
    ),
  )
let harness: Harness
let runs: string[] = []
let late: Promise<string[]> | undefined
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
      // A tool that works with both accounts at the same time, for a user of Jira.
      server.registerTool(
        'side_by_side',
        {},
        gate(jira, async (outer) => {
          const [started, rejected] = [signal(), signal()]
          const upload = gate(forge, { account: 'personal' }, async (extra) => {
            runs.push('upload')
            started.resolve()
            await forge.getCredentials(extra, { account: 'personal' }).use(() => rejected.promise)
            return answer('uploaded')
          })
          const look = gate(forge, { account: 'work' }, async (extra) => {
            runs.push('look')
            const handle = forge.getCredentials(extra, { account: 'work' })
            const pat = await handle.use((values) => values.pat)
            if (pat === 'tok-of-forge-work') await handle.reject({ status: 401 })
            rejected.resolve()
            return answer(pat === 'tok-of-forge-work' ? 'saw a refusal' : 'looked')
          })
          const uploading = upload(outer as never)
          await started.promise
          return answer(await ends([uploading, look(outer as never)]))
        }),
      )
      server.registerTool(
        'one_ends_first',
        {},
        gate(jira, async (outer) => {
          const [started, taken] = [signal(), signal()]
          const short = gate(forge, { account: 'personal' }, async () => {
            started.resolve()
            await taken.promise
            return answer('short')
          })
          const first = short(outer as never)
          const long = gate(forge, { account: 'work' }, async (extra) => {
            const handle = forge.getCredentials(extra, { account: 'work' })
            taken.resolve()
            await first
            return answer(await handle.use(({ pat }) => `long ${pat.length}`))
          })
          await started.promise
          return answer(await ends([first, long(outer as never)]))
        }),
      )
      /** Code of the personal account's handler that runs on after its end, beside or inside the gate of the work account. */
      const lateCode = (outside: ToolExtra, running: Promise<void>) => {
        const over = signal()
        const short = gate(forge, { account: 'personal' }, async (extra) => {
          const { promise } = over
          const take = async (account?: 'work') => forge.getCredentials(extra, { account }).use(({ pat }) => pat)
          late = Promise.all([promise, running])
            .then(() => Promise.allSettled([take(), take('work')]))
            .then((taken) => taken.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code)))
          return answer('short')
        })
        return short(outside as never).finally(() => over.resolve())
      }
      server.registerTool(
        'late_beside',
        {},
        gate(jira, async (outer) => {
          const running = signal()
          await lateCode(outer, running.promise)
          const long = gate(forge, { account: 'work' }, async () => {
            running.resolve()
            await late
            return answer('long')
          })
          return long(outer as never)
        }),
      )
      server.registerTool(
        'late_inside',
        {},
        gate(forge, { account: 'work' }, async (outer) => {
          await lateCode(outer, Promise.resolve())
          await late
          return answer(await forge.getCredentials(outer).use(({ pat }) => `outer ${pat.length}`))
        }),
      )
      server.registerTool(
        'inner_refused',
        {},
        gate(forge, { account: 'work' }, async (outer) => {
          runs.push('outer')
          const inner = gate(forge, { account: 'work' }, async (extra) => {
            runs.push('inner')
            const handle = forge.getCredentials(extra)
            const pat = await handle.use((values) => values.pat)
            if (pat === 'tok-of-forge-work') await handle.reject({ status: 401 })
            return answer(pat === 'tok-of-forge-work' ? 'saw a refusal' : 'looked')
          })
          return inner(outer as never)
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

/** Enters a new token on each form that is asked for. */
const replacing = () =>
  harness.connect('alice', {
    onLink: (link) => {
      void fillIn(link, 'alice', { pat: 'tok-of-work-new' }).catch(() => undefined)
      return 'accept'
    },
  })

test('a rejection in one gate runs its own handler again, and not that of the gate beside it', async () => {
  const { text } = await (await replacing()).text('side_by_side')
  expect(runs).toEqual(['upload', 'look', 'look'])
  expect(text).toContain('uploaded')
  expect(text).toContain('looked')
})

test('a rejection in an inner gate of the same account runs the inner handler again, and not the outer one', async () => {
  const { text } = await (await replacing()).text('inner_refused')
  expect({ runs, text }).toEqual({ runs: ['outer', 'inner', 'inner'], text: 'looked' })
})

test('a handle does not end with the gate beside its own', async () => {
  const alice = await harness.connect('alice')
  expect((await alice.text('one_ends_first')).text).toContain('long 17')
})

test.each(['late_beside', 'late_inside'])(
  'a handler that has ended gets no account of another gate that still runs: %s',
  async (tool) => {
    const alice = await harness.connect('alice')
    const { text } = await alice.text(tool)
    expect(text).toBe(tool === 'late_inside' ? 'outer 17' : 'long')
    expect(await late).toEqual(['call_ended', 'call_ended'])
  },
)

test('a damaged record of one account does not lose the rejections of the others', async () => {
  const alice = await harness.connect('alice')
  await alice.text('reject_both')
  expect([await rejected('forge@work'), await rejected('forge@personal')]).toEqual([true, true])
})
