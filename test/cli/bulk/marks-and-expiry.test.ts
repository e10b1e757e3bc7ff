import { afterEach, expect, test, vi } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend, VersionLabels } from '../../../src/core/ports/secret-backend.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import type { Stores } from '../../../src/vault/environment/create-stores.ts'
import { runHere } from '../../harness/processes/cli-process.ts'

// No backend that a process shares with others stores labels on this branch, so the commands get one in memory.
let backend: SecretBackend
let audit = memoryAudit()
vi.mock(import('../../../src/vault/environment/create-stores.ts'), async (importOriginal) => {
  const stores = (): Stores => ({
    backend,
    audit,
    pendingStore: memoryPendingStore(),
    browserSessions: memoryBrowserSessions(),
  })
  return { ...(await importOriginal()), createStores: stores }
})
afterEach(() => vi.restoreAllMocks())

const ISSUER = 'https://login.example.com'
const ALICE = ['--provider', 'jira', '--issuer', ISSUER, '--subject', 'alice']
const keyOf = (subject: string) => storageKey('jira', { issuer: ISSUER, subject })

function begin(): void {
  // Both end with the command's close otherwise.
  audit = { ...memoryAudit(), async close() {} }
  backend = { ...memoryBackend(), async close() {} }
}

const run = (words: readonly string[]) => runHere(words, {})

async function rejected(): Promise<void> {
  const version = await put(backend, keyOf('alice'), { pat: 'x' })
  await backend.markRejected?.(keyOf('alice'), version, new Date('2026-11-01T00:00:00Z'), call())
}

const labels = async () => {
  const status = await backend.stat(keyOf('alice'), call())
  return status.status === 'active' ? status.labels : undefined
}

test('rollback takes the mark back, once its line is in the log', async () => {
  begin()
  await rejected()
  const dry = await run(['rollback', ...ALICE, '--dry-run'])
  expect([dry.code, dry.out]).toEqual([0, expect.stringContaining('Would roll back the rejection of jira for alice')])
  expect((await labels())?.rejectedAt).toBeDefined()
  const done = await run(['rollback', ...ALICE])
  expect([done.code, done.out]).toEqual([0, expect.stringContaining('version 1, rejected 2026-11-01T00:00:00.000Z')])
  expect((await labels())?.rejectedAt).toBeUndefined()
  const lines = audit.events.filter(({ type }) => type === 'credential.reinstated')
  expect(lines).toMatchObject([{ outcome: 'success', provider: 'jira', version: '1', actor: { kind: 'operator' } }])
  expect((await run(['rollback', ...ALICE])).out).toContain('is not marked as rejected')
})

test('rollback does not touch a version that came in between', async () => {
  begin()
  await rejected()
  backend = { ...backend, markRejected: async () => false }
  const { code, error } = await run(['rollback', ...ALICE])
  expect([code, error]).toEqual([1, expect.stringContaining('was changed at the same time')])
  expect(audit.events.filter(({ type }) => type === 'credential.reinstated').at(-1)).toMatchObject({
    outcome: 'error',
    reason: 'conflict',
  })
})

test('expiring sorts by time, shows the state, and counts what has no time', async () => {
  begin()
  const inDays = (days: number): VersionLabels => ({ expiresAt: new Date(Date.now() + days * 86_400_000) })
  await put(backend, keyOf('later'), { pat: 'x' }, { labels: { ...inDays(13), accountName: 'later@jira' } })
  await put(backend, keyOf('past'), { pat: 'x' }, { labels: inDays(-1) })
  await put(backend, keyOf('far'), { pat: 'x' }, { labels: inDays(15) })
  await put(backend, keyOf('open'), { pat: 'x' })
  const { code, out } = await run(['expiring', '--json'])
  expect([code, JSON.parse(out)]).toMatchObject([
    0,
    {
      credentials: [
        { subject: 'past', state: 'expired' },
        { subject: 'later', state: 'active', accountName: 'later@jira' },
      ],
      withoutExpiry: 1,
    },
  ])
  expect((await run(['expiring', '--within', '400h'])).out.match(/ far/g)).toHaveLength(1)
  expect((await run(['expiring', '--within', '6h'])).out).not.toContain('later')
  // Some backends tell labels one at a time only.
  const { list } = backend
  backend = {
    ...backend,
    async *list(of) {
      for await (const { key } of list(of)) {
        const status = await backend.stat(key, call())
        if (status.status === 'active') yield { key, status: { status: 'active', version: status.version } }
      }
    },
  }
  expect(JSON.parse((await run(['expiring', '--json'])).out).credentials).toHaveLength(2)
})

test.each(['14', '0d', '2w', '-1d', '4000d', ''])('expiring --within=%s is wrong usage', async (text) => {
  begin()
  const { code, error } = await run(['expiring', `--within=${text}`])
  expect([code, error]).toEqual([2, expect.stringContaining('--within takes days or hours, such as 14d or 36h')])
})
