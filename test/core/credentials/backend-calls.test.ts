import { describe, expect, test, vi } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createBackendCalls } from '../../../src/core/credentials/backend-calls.ts'
import { revokeOnce } from '../../../src/core/credentials/revoke-once.ts'
import { saveOnce } from '../../../src/core/credentials/save-once.ts'
import type { SaveRequest } from '../../../src/core/credentials/unconfirmed-save.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { put, remove } from '../../../src/testing/secret-backend/calls.ts'
import { rejectionOf } from '../../harness/thrown-error.ts'

const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const audit = { writer: 'w', seq: 1 }
const outage = () => new CredentialVaultError('unavailable', 'away', { reason: 'connection', retryable: true })
const lost = () => new CredentialVaultError('outcome_unknown', 'lost', { reason: 'connection' })
const newTrace = () => ({ correlationId: 'c', assertion: undefined, requestIds: [] })

function setUp(change: (backend: SecretBackend) => Partial<SecretBackend>, deadlines = { read: 2_000, write: 2_000 }) {
  const real = memoryBackend()
  const backend: SecretBackend = { ...real, ...change(real) }
  const health = createHealth(() => undefined)
  const calls = createBackendCalls({
    name: backend.name,
    health,
    readDeadline: deadlines.read,
    writeDeadline: deadlines.write,
  })
  const read = () => calls.ask(newTrace(), (call) => backend.read(key, call))
  const save = (given: Partial<SaveRequest> = {}) =>
    saveOnce(
      backend,
      calls,
      { key, values: { pat: 'new' }, expect: 'any', audit, operationId: 'op-1', ...given },
      newTrace(),
    )
  return { real, backend, calls, health, read, save }
}

/** Fails with these errors first, one for each call, and then does as it should. */
function failing<P extends readonly unknown[], T>(
  method: (...parameters: P) => Promise<T>,
  ...errors: readonly (() => Error)[]
) {
  const left = [...errors]
  return vi.fn(async (...parameters: P) => {
    const error = left.shift()
    if (error) throw error()
    return method(...parameters)
  })
}

/** Writes whose first request is lost on its way, after the backend has looked at what is there. */
function lostOnTheWay(real: SecretBackend): SecretBackend['write'] {
  let first = true
  return async (which, values, intent, call) => {
    if (!first) return real.write(which, values, intent, call)
    first = false
    call.noteBase?.(await real.stat(which, call))
    throw lost()
  }
}

/** Writes whose first answer is lost on its way back, after which something else happens. */
function lostOnTheWayBack(real: SecretBackend, then: () => Promise<unknown>): SecretBackend['write'] {
  let first = true
  return async (which, values, intent, call) => {
    const version = await real.write(which, values, intent, call)
    if (!first) return version
    first = false
    await then()
    throw lost()
  }
}

describe('reads', () => {
  test('are tried three times when that may help', async () => {
    const attempts = vi.fn()
    const { read } = setUp((real) => {
      const twice = failing(real.read, outage, outage)
      return {
        read: (...given) => {
          attempts()
          return twice(...given)
        },
      }
    })
    expect(await read()).toEqual({ status: 'absent' })
    expect(attempts).toHaveBeenCalledTimes(3)
  })

  test('are given up after the third, and health says so', async () => {
    const { read, health } = setUp((real) => ({ read: failing(real.read, outage, outage, outage, outage) }))
    expect(await rejectionOf(read())).toMatchObject({ code: 'unavailable', reason: 'connection' })
    expect(health.problems().get('backend')).toBe('connection')
    await read()
    expect(health.problems().size).toBe(0)
  })

  test('are not tried again when the answer would be the same', async () => {
    const method = vi.fn(async () => {
      throw new CredentialVaultError('forbidden', 'no', { reason: 'policy' })
    })
    const { read } = setUp(() => ({ read: method }))
    expect(await rejectionOf(read())).toMatchObject({ code: 'forbidden' })
    expect(method).toHaveBeenCalledTimes(1)
  })

  test('wait as long as the backend asks for, unless the time would be over', async () => {
    const busy = () =>
      new CredentialVaultError('unavailable', 'busy', { reason: 'throttled', retryable: true, retryAfterSeconds: 60 })
    const method = vi.fn(async () => {
      throw busy()
    })
    const { read } = setUp(() => ({ read: method }))
    expect(await rejectionOf(read())).toMatchObject({ reason: 'throttled', retryAfterSeconds: 60 })
    expect(method).toHaveBeenCalledTimes(1)
  })
})

describe('the circuit breaker', () => {
  test('answers at once after five failures in a row, and lets one call see after two seconds', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      let away = true
      const method = vi.fn()
      const { read } = setUp((real) => ({
        read: async (...given) => {
          method()
          if (away) throw outage()
          return real.read(...given)
        },
      }))
      await rejectionOf(read())
      expect(await rejectionOf(read())).toMatchObject({ code: 'unavailable', reason: 'circuit_open' })
      expect(method).toHaveBeenCalledTimes(5)
      expect(await rejectionOf(read())).toMatchObject({ reason: 'circuit_open', retryAfterSeconds: 2 })
      expect(method).toHaveBeenCalledTimes(5)
      vi.advanceTimersByTime(2_001)
      away = false
      expect(await read()).toEqual({ status: 'absent' })
      expect(await read()).toEqual({ status: 'absent' })
    } finally {
      vi.useRealTimers()
    }
  })

  test('does not count refusals, and never stands in the way of a revocation', async () => {
    const refused = () => new CredentialVaultError('forbidden', 'no')
    const { backend, read, calls, real, save } = setUp((real) => ({
      read: failing(real.read, ...Array.from({ length: 8 }, () => refused), ...Array.from({ length: 6 }, () => outage)),
    }))
    await save()
    for (let i = 0; i < 8; i += 1) expect(await rejectionOf(read())).toMatchObject({ code: 'forbidden' })
    await rejectionOf(read())
    expect(await rejectionOf(read())).toMatchObject({ reason: 'circuit_open' })
    const intent = { expect: 'any', operationId: 'op-2', purge: false } as const
    expect(await revokeOnce(backend, calls, key, intent, newTrace())).toBe(true)
    const call = { signal: new AbortController().signal, correlationId: 'c' }
    expect((await real.stat(key, call)).status).toBe('revoked')
  })
})

describe('a save', () => {
  test('whose answer is lost is found by reading, and made once', async () => {
    const { save, real, backend } = setUp((real) => ({
      write: vi.fn(async (...given: Parameters<SecretBackend['write']>) => {
        await real.write(...given)
        throw lost()
      }),
    }))
    const version = await save()
    const call = { signal: new AbortController().signal, correlationId: 'c' }
    expect(await real.read(key, call)).toMatchObject({ version, values: { pat: 'new' } })
    expect(version.label).toBe('1')
    expect(backend.write).toHaveBeenCalledTimes(1)
  })

  test('that was lost on the way is made again', async () => {
    const { save } = setUp((real) => ({ write: lostOnTheWay(real) }))
    expect((await save()).label).toBe('1')
  })

  test('that was made and then overwritten is not made a second time', async () => {
    const { save, real } = setUp((real) => ({
      write: lostOnTheWayBack(real, () => put(real, key, { pat: 'theirs' })),
    }))
    expect(await rejectionOf(save())).toMatchObject({ code: 'outcome_unknown' })
    const call = { signal: new AbortController().signal, correlationId: 'c' }
    expect(await real.read(key, call)).toMatchObject({ values: { pat: 'theirs' } })
  })

  test.each(['absent', 'active', 'revoked'])(
    'that was made over an %s credential and then revoked stays revoked',
    async (before) => {
      const { save, real } = setUp((real) => ({ write: lostOnTheWayBack(real, () => remove(real, key)) }))
      if (before !== 'absent') await put(real, key, { pat: 'before' })
      if (before === 'revoked') await remove(real, key)
      expect(await rejectionOf(save())).toMatchObject({ code: 'outcome_unknown' })
      const call = { signal: new AbortController().signal, correlationId: 'c' }
      expect((await real.stat(key, call)).status).toBe('revoked')
    },
  )

  test('that expects a version is never made over what somebody else stored, and nobody is told that it failed', async () => {
    const { save, real } = setUp((real) => ({
      write: failing(real.write, () => {
        void put(real, key, { pat: 'theirs' })
        return lost()
      }),
    }))
    const before = await put(real, key, { pat: 'before' })
    expect(await rejectionOf(save({ expect: { version: before.ref } }))).toMatchObject({ code: 'outcome_unknown' })
    const call = { signal: new AbortController().signal, correlationId: 'c' }
    expect(await real.read(key, call)).toMatchObject({ values: { pat: 'theirs' } })
  })

  test('is unknown when its time is over and nobody can tell', async () => {
    const hanging = () => new Promise<never>(() => undefined)
    const { save, health } = setUp(() => ({ write: hanging, read: hanging }), { read: 100, write: 100 })
    expect(await rejectionOf(save())).toMatchObject({ code: 'outcome_unknown', reason: 'timeout' })
    expect(health.problems().get('backend')).toBe('timeout')
  })

  test('is acknowledged when it is found after its time', async () => {
    const { save } = setUp(
      (real) => ({
        write: async (...given) => {
          await real.write(...given)
          return new Promise<never>(() => undefined)
        },
      }),
      { read: 100, write: 100 },
    )
    expect((await save()).label).toBe('1')
  })

  test('of a process that may not read is made again rather than looked for', async () => {
    const forbidden = async () => {
      throw new CredentialVaultError('forbidden', 'write only')
    }
    const { save } = setUp((real) => ({ write: lostOnTheWay(real), read: forbidden }))
    expect((await save()).label).toBe('1')
  })
})

describe('a revocation', () => {
  test.each([
    ['nothing is left to revoke', 'any'],
    ['the version is not there any more', 'version'],
  ] as const)('whose answer is lost was one, when %s', async (_, expectation) => {
    const { backend, calls, real } = setUp((real) => {
      let first = true
      return {
        revoke: async (...given) => {
          const changed = await real.revoke(...given)
          if (!first) return changed
          first = false
          throw lost()
        },
      }
    })
    const { ref } = await put(real, key, { pat: 'x' })
    const expect_ = expectation === 'any' ? 'any' : { version: ref }
    const intent = { expect: expect_, operationId: 'op-r', purge: false } as const
    expect(await revokeOnce(backend, calls, key, intent, newTrace())).toBe(true)
  })
})
