import { expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createRejectionMarks } from '../../../src/core/lifecycle/rejection-marks.ts'
import { createRejections } from '../../../src/core/lifecycle/rejections.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'

const keyOf = (subject: string) => storageKey('jira', { issuer: 'https://login.example.com', subject })

test('an outage does not log that a version is back in use which its owner has replaced or revoked', async () => {
  const backend = memoryBackend()
  const calls = {
    ask: async (_: unknown, work: (made: ReturnType<typeof call>) => Promise<unknown>) => work(call()),
    change: async (_: unknown, work: (made: ReturnType<typeof call>) => Promise<unknown>) => work(call()),
  }
  const lines: { type: string; outcome: string; subject: string | undefined; version: string | undefined }[] = []
  const write = async (key: { owner: { subject: string } } | undefined, _: unknown, line: { type: string }) => {
    const { type, outcome, version } = line as { type: string; outcome: string; version?: string }
    lines.push({ type, outcome, version, subject: key?.owner.subject })
    return { writer: 'w', seq: 1 }
  }
  const rejections = createRejections({
    maxOwners: 1,
    warn: () => undefined,
    reader: { forget: () => undefined, status: (key: ReturnType<typeof keyOf>) => backend.stat(key, call()) } as never,
    log: { grant: write, note: write } as never,
    marks: createRejectionMarks({ backend, calls, warn: () => undefined } as never),
  })
  const rejected = async (subject: string) => {
    const version = await put(backend, keyOf(subject), { pat: `dead token of ${subject}` })
    return rejections.settle(keyOf(subject), { version, status: 401 }, { correlationId: subject })
  }
  expect(await rejected('alice')).toBe('rejected')
  // Alice does what she was asked to do.
  await put(backend, keyOf('alice'), { pat: 'new token of alice' })
  expect(await rejected('bob')).toBe('kept')
  expect(lines.filter(({ type, outcome }) => type === 'credential.reinstated' && outcome === 'success')).toEqual([])
})
