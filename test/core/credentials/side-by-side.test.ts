import { expect, test, vi } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { AuditEvent } from '../../../src/core/ports/audit-sink.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { createCredentials } from '../../harness/credential-services.ts'

const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const context = { correlationId: 'c-1' }

/** Holds back what awaits `held` until `release` is called. */
function gate() {
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  return { held, release }
}

/** Resolves once everything that can go on has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Credentials over a backend and a log, both of which note what they are asked. */
function setUp(
  change: (real: SecretBackend) => Partial<SecretBackend> = () => ({}),
  line = async (_: AuditEvent) => {},
) {
  const steps: string[] = []
  const audit = memoryAudit()
  const real = memoryBackend()
  const backend = { ...real, ...change(real) }
  const noting =
    <A extends unknown[], R>(step: string, work: (...given: A) => R) =>
    (...given: A): R => {
      steps.push(step)
      return work(...given)
    }
  const watched: SecretBackend = {
    ...backend,
    stat: noting('stat', backend.stat),
    read: noting('read', backend.read),
    write: noting('write', backend.write),
    revoke: noting('revoke', backend.revoke),
  }
  const append: typeof audit.append = async (event) => {
    steps.push(`${event.type}…`)
    await line(event)
    const position = await audit.append(event)
    steps.push(event.type)
    return position
  }
  const health = createHealth(() => undefined)
  const journal = createJournal({ audit: { ...audit, append }, health })
  return { credentials: createCredentials({ backend: watched, journal, health }), steps, real }
}

test('a save looks while its line is written, and writes nothing before that line is durable', async () => {
  const { held, release } = gate()
  const { credentials, steps } = setUp(undefined, ({ type }) =>
    type === 'credential.storing' ? held : Promise.resolve(),
  )
  const saving = credentials.save(key, { pat: 'secret-value' }, context, { expect: 'found' })
  await settled()
  expect(steps).toEqual(['stat', 'credential.storing…'])
  release()
  await saving
  expect(steps.slice(2)).toEqual(['credential.storing', 'write', 'credential.stored…', 'credential.stored'])
})

test('a save whose line cannot be written writes nothing, although it has looked', async () => {
  const full = new CredentialVaultError('audit_unavailable', 'The disk is full.', { reason: 'disk_full' })
  const { credentials, steps } = setUp(undefined, () => Promise.reject(full))
  await expect(credentials.save(key, { pat: 'x' }, context, { expect: 'found' })).rejects.toBe(full)
  expect(steps).not.toContain('write')
})

test('the last check comes after the look and before the write', async () => {
  const { credentials, steps } = setUp()
  const mayWrite = async () => void steps.push('may write')
  await credentials.save(key, { pat: 'secret-value' }, context, { expect: 'found', mayWrite })
  const order = ['stat', 'credential.storing', 'may write', 'write'].map((step) => steps.indexOf(step))
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  expect(order).not.toContain(-1)
})

test('what follows a save does not wait for its line, and the save waits for both', async () => {
  const { held, release } = gate()
  const { credentials, steps } = setUp(undefined, ({ type }) =>
    type === 'credential.stored' ? held : Promise.resolve(),
  )
  let saved = false
  const onKept = async () => void steps.push('kept')
  const saving = credentials.save(key, { pat: 'secret-value' }, context, { onKept }).then(() => {
    saved = true
  })
  await settled()
  expect(steps.slice(-2)).toEqual(['credential.stored…', 'kept'])
  expect(saved).toBe(false)
  release()
  await saving
})

test('the check after a write runs while the labels are written, and a refusal takes the value back after both', async () => {
  const labels = gate()
  const { credentials, steps, real } = setUp((inner) => ({
    async write(which, values, intent, call) {
      const version = await inner.write(which, values, intent, call)
      call.noteWritten?.()
      await labels.held
      return version
    },
  }))
  const ended = new CredentialVaultError('conflict', 'ended', { reason: 'session_ended' })
  const onKept = vi.fn<() => Promise<void>>()
  const mayKeep = async () => {
    steps.push('may keep')
    throw ended
  }
  const saving = credentials.save(key, { pat: 'secret-value' }, context, { mayKeep, onKept })
  const refused = expect(saving).rejects.toBe(ended)
  await settled()
  expect(steps.slice(-2)).toEqual(['write', 'may keep'])
  labels.release()
  await refused
  expect(onKept).not.toHaveBeenCalled()
  const lines = steps.filter((step) => step.startsWith('credential.') && !step.endsWith('…'))
  expect(lines).toEqual(['credential.storing', 'credential.stored', 'credential.revoked'])
  expect(steps.indexOf('revoke')).toBeGreaterThan(steps.indexOf('credential.stored…'))
  expect((await real.stat(key, { signal: AbortSignal.timeout(1000), correlationId: 'test' })).status).toBe('revoked')
})

test('a write that fails after it was done is reported once its check has ended', async () => {
  const { held, release } = gate()
  const { credentials } = setUp(() => ({
    async write(_key, _values, _intent, call) {
      call.noteWritten?.()
      throw new CredentialVaultError('forbidden', 'no labels')
    },
  }))
  const steps: string[] = []
  const mayKeep = async () => {
    await held
    steps.push('checked')
  }
  const saving = credentials.save(key, { pat: 'secret-value' }, context, { mayKeep })
  const reported = expect(saving.finally(() => steps.push('reported'))).rejects.toThrow('no labels')
  await settled()
  expect(steps).toEqual([])
  release()
  await reported
  expect(steps).toEqual(['checked', 'reported'])
})

test('a backend that says nothing of its write is checked after it', async () => {
  const { credentials, steps } = setUp()
  const mayKeep = async () => void steps.push('may keep')
  await credentials.save(key, { pat: 'secret-value' }, context, { mayKeep })
  expect(steps.indexOf('may keep')).toBeGreaterThan(steps.indexOf('write'))
})

test('a read from before a wake is not used after it, and one from after it is shared', async () => {
  const { credentials, steps } = setUp((inner) => ({ ...inner, isCurrent: () => true }))
  await credentials.save(key, { pat: 'secret-value' }, context)
  await credentials.release(key, variables, context)
  const since = performance.now()
  steps.length = 0
  for (const _ of [1, 2, 3]) {
    credentials.refresh(key, since)
    expect(await credentials.status(key, context)).toMatchObject({ status: 'active' })
    await credentials.release(key, variables, context)
  }
  expect(steps.filter((step) => !step.startsWith('credential.'))).toEqual(['stat', 'read'])
})

test('a read that only sees which fields are stored has a line of its own', async () => {
  const { credentials, steps } = setUp()
  await credentials.save(key, { pat: 'secret-value' }, context)
  steps.length = 0
  expect(await credentials.fields(key, context)).toEqual(['pat'])
  expect(await credentials.fields(key, context)).toEqual(['pat'])
  expect(steps).toEqual(['read', 'credential.read…', 'credential.read'])
})
