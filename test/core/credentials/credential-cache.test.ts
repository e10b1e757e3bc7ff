import { describe, expect, test, vi } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { put, remove } from '../../../src/testing/secret-backend/calls.ts'
import { advanceClock } from '../../harness/advance-clock.ts'
import { createCredentials } from '../../harness/credential-services.ts'
import { rejectionOf } from '../../harness/thrown-error.ts'

const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const context = { correlationId: 'c-1' }

function setUp(cacheTtl: number, change: Partial<SecretBackend> = {}) {
  const audit = memoryAudit()
  // Vault and AWS cannot tell without being asked.
  const { isCurrent: _, ...blind } = memoryBackend()
  const backend: SecretBackend = { ...blind, ...change }
  const reads = vi.spyOn(backend, 'read')
  const health = createHealth(() => undefined)
  const credentials = createCredentials({ backend, journal: createJournal({ audit, health }), health, cacheTtl })
  const pat = async () => (await credentials.release(key, variables, context))['pat']
  return { audit, backend, reads, credentials, pat }
}

describe('values that are kept for a short time', () => {
  test('spare the backend, and every release is audited all the same', async () => {
    const { credentials, reads, audit, pat } = setUp(60_000)
    await credentials.save(key, { pat: 'one' }, context)
    for (let call = 0; call < 5; call += 1) expect(await pat()).toBe('one')
    expect(reads).toHaveBeenCalledTimes(1)
    expect(audit.events.filter((event) => event.type === 'credential.resolved')).toHaveLength(5)
  })

  test('are shared by calls at the same time', async () => {
    const { credentials, reads, pat } = setUp(60_000)
    await credentials.save(key, { pat: 'one' }, context)
    await Promise.all(Array.from({ length: 20 }, pat))
    expect(reads).toHaveBeenCalledTimes(1)
  })

  test('end with their time, when a change behind our back takes effect', async () => {
    const { credentials, backend, pat } = setUp(60_000)
    await credentials.save(key, { pat: 'one' }, context)
    expect(await pat()).toBe('one')
    await put(backend, key, { pat: 'two' })
    advanceClock(60_000)
    expect(await pat()).toBe('two')
  })

  test('end at once with our own save and revocation', async () => {
    const { credentials, pat } = setUp(60_000)
    await credentials.save(key, { pat: 'one' }, context)
    await pat()
    await credentials.save(key, { pat: 'two' }, context)
    expect(await pat()).toBe('two')
    await credentials.rotate(key, { value: 'three' }, context)
    expect(await pat()).toBe('three')
    await credentials.revoke(key, { purge: false }, context)
    expect(await credentials.status(key, { correlationId: 'c' })).toMatchObject({ status: 'revoked' })
    expect(await rejectionOf(pat())).toMatchObject({ code: 'credential_revoked' })
  })

  test('end at once where the backend can tell that there is a newer version', async () => {
    let current = true
    const { credentials, backend, pat } = setUp(60_000, { isCurrent: () => current })
    await credentials.save(key, { pat: 'one' }, context)
    await pat()
    await put(backend, key, { pat: 'two' })
    expect(await pat()).toBe('one')
    current = false
    advanceClock(15)
    expect(await pat()).toBe('two')
  })

  test('are not brought back by a read that began before the change', async () => {
    const { credentials, backend, pat } = setUp(60_000)
    await credentials.save(key, { pat: 'one' }, context)
    const { read } = backend
    let slow: (() => void) | undefined
    backend.read = async (which, call) => {
      const found = await read(which, call)
      await new Promise<void>((resolve) => {
        slow = resolve
      })
      return found
    }
    const before = pat()
    await expect.poll(() => slow).toBeDefined()
    backend.read = read
    await credentials.save(key, { pat: 'two' }, context)
    slow?.()
    expect(await before).toBe('one')
    expect(await pat()).toBe('two')
  })

  test('are absent or revoked ones for two seconds at most', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const { backend, reads, pat } = setUp(60_000)
      expect(await rejectionOf(pat())).toMatchObject({ code: 'credential_absent' })
      await put(backend, key, { pat: 'one' })
      expect(await rejectionOf(pat())).toMatchObject({ code: 'credential_absent' })
      expect(reads).toHaveBeenCalledTimes(1)
      vi.advanceTimersByTime(2_001)
      expect(await pat()).toBe('one')
    } finally {
      vi.useRealTimers()
    }
  })

  test('are never absent or revoked ones where the backend tells of changes, or after our own', async () => {
    const telling = setUp(60_000, { isCurrent: () => true })
    expect(await rejectionOf(telling.pat())).toMatchObject({ code: 'credential_absent' })
    await put(telling.backend, key, { pat: 'one' })
    expect(await telling.pat()).toBe('one')

    const { credentials, backend, pat } = setUp(60_000)
    expect(await rejectionOf(pat())).toMatchObject({ code: 'credential_absent' })
    await credentials.save(key, { pat: 'one' }, context)
    expect(await pat()).toBe('one')
    await remove(backend, key)
    credentials.forget(key)
    expect(await rejectionOf(pat())).toMatchObject({ code: 'credential_revoked' })
  })

  test('are never failures', async () => {
    const { credentials, backend, pat } = setUp(60_000)
    await credentials.save(key, { pat: 'one' }, context)
    const { read } = backend
    backend.read = async () => {
      throw new CredentialVaultError('forbidden', 'no')
    }
    expect(await rejectionOf(pat())).toMatchObject({ code: 'forbidden' })
    backend.read = read
    expect(await pat()).toBe('one')
  })

  test('are read again for a caller who asks for fresh ones, though not twice in two seconds', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const { credentials, backend, reads, pat } = setUp(60_000)
      await credentials.save(key, { pat: 'one' }, context)
      expect(await pat()).toBe('one')
      await put(backend, key, { pat: 'two' })
      const fresh = async () => (await credentials.release(key, variables, context, { fresh: true }))['pat']
      expect(await fresh()).toBe('one')
      vi.advanceTimersByTime(2_001)
      expect(await fresh()).toBe('two')
      expect(reads).toHaveBeenCalledTimes(2)
    } finally {
      vi.useRealTimers()
    }
  })

  test('are not used with a TTL of 0', async () => {
    const { credentials, reads, pat } = setUp(0)
    await credentials.save(key, { pat: 'one' }, context)
    await pat()
    await pat()
    expect(reads).toHaveBeenCalledTimes(2)
  })
})
