import { describe, expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { AccessContext } from '../../../src/core/ports/access-context.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { createCredentials } from '../../harness/credential-services.ts'
import { rejectionOf } from '../../harness/thrown-error.ts'

const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const context: AccessContext = { correlationId: 'c-1', tool: 'create_issue', clientId: 'vscode' }

async function setUp(change: Partial<SecretBackend> = {}) {
  const audit = memoryAudit()
  const warnings: string[] = []
  const health = createHealth((message) => warnings.push(message))
  const backend = { ...memoryBackend(), ...change }
  await backend.open()
  const failing = { fails: undefined as string | undefined }
  const sink: typeof audit = {
    ...audit,
    append: async (event) => {
      if (failing.fails === event.type || failing.fails === 'all')
        throw new CredentialVaultError('audit_unavailable', 'The disk is full.', { reason: 'disk_full' })
      return audit.append(event)
    },
  }
  const credentials = createCredentials({
    backend,
    journal: createJournal({ audit: sink, health }),
    health,
    readDeadline: 50,
    writeDeadline: 50,
  })
  return {
    credentials,
    audit,
    health,
    backend,
    failing,
    warnings,
    types: () => audit.events.map((event) => event.type),
  }
}

describe('release', () => {
  test('hands out the values after its audit line, which says who, what and for whom', async () => {
    const { credentials, audit } = await setUp()
    await credentials.save(key, { pat: 'secret-value' }, context)
    expect(await credentials.release(key, variables, context)).toEqual({ pat: 'secret-value' })
    expect(audit.events.at(-1)).toMatchObject({
      type: 'credential.resolved',
      outcome: 'success',
      owner: key.owner,
      provider: 'jira',
      tool: 'create_issue',
      clientId: 'vscode',
      correlationId: 'c-1',
    })
    expect(JSON.stringify(audit.events)).not.toContain('secret-value')
  })

  test('url variables are normalised once: one that an operator wrote by hand is spelt as the form spells it', async () => {
    const { credentials } = await setUp()
    const site = defineVariables({ base_url: { label: 'Site', type: 'url' }, note: { label: 'Note', required: false } })
    await credentials.save(key, { base_url: 'HTTPS://Acme.example.com:443/', note: 'HTTPS://A/' }, context)
    expect(await credentials.release(key, site, context)).toEqual({
      base_url: 'https://acme.example.com',
      note: 'HTTPS://A/',
    })
  })

  test('withholds the values when the line cannot be written, and turns health red', async () => {
    const { credentials, failing, health } = await setUp()
    await credentials.save(key, { pat: 'secret-value' }, context)
    failing.fails = 'credential.resolved'
    expect(await rejectionOf(credentials.release(key, variables, context))).toMatchObject({
      code: 'audit_unavailable',
    })
    expect(health.problems().get('audit')).toBe('disk_full')
    failing.fails = undefined
    await credentials.release(key, variables, context)
    expect(health.problems().size).toBe(0)
  })

  test('absent and revoked are told apart, and both are recorded', async () => {
    const { credentials, audit } = await setUp()
    expect(await rejectionOf(credentials.release(key, variables, context))).toMatchObject({
      code: 'credential_absent',
    })
    await credentials.save(key, { pat: 'x' }, context)
    await credentials.revoke(key, { purge: false }, context)
    expect(await rejectionOf(credentials.release(key, variables, context))).toMatchObject({
      code: 'credential_revoked',
    })
    const missing = audit.events.filter((event) => event.type === 'credential.missing').map((event) => event.reason)
    expect(missing).toEqual(['credential_absent', 'credential_revoked'])
  })

  test('a stored value that does not fit is malformed, with the field names alone', async () => {
    const { credentials } = await setUp()
    await credentials.save(key, { password: 'secret-value' }, context)
    const error = await rejectionOf(credentials.release(key, variables, context))
    expect(error).toMatchObject({ code: 'credential_malformed' })
    expect(error.message).toContain('pat')
    expect(error.message).not.toContain('secret-value')
  })

  test('an outage is unavailable, and a foreign error goes no further', async () => {
    const { credentials, health } = await setUp({
      read: async () => {
        throw new Error('connect ECONNREFUSED token=hunter2')
      },
    })
    const error = await rejectionOf(credentials.release(key, variables, context))
    expect(error).toMatchObject({ code: 'unavailable', reason: 'unexpected', retryable: true })
    expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('hunter2')
    expect(health.problems().get('backend')).toBe('unexpected')
  })

  test('a backend that never answers is given up after the deadline, and told so', async () => {
    let signal: AbortSignal | undefined
    const { credentials } = await setUp({
      read: (_key, call) => {
        signal = call.signal
        return new Promise(() => undefined)
      },
    })
    expect(await rejectionOf(credentials.release(key, variables, context))).toMatchObject({
      code: 'unavailable',
      reason: 'timeout',
    })
    expect(signal?.aborted).toBe(true)
  })
})

describe('save', () => {
  test('is announced before and reported after', async () => {
    const { credentials, types } = await setUp()
    await credentials.save(key, { pat: 'x' }, context)
    expect(types()).toEqual(['credential.storing', 'credential.stored'])
  })

  test('does not happen when it cannot be announced', async () => {
    const { credentials, failing } = await setUp()
    failing.fails = 'credential.storing'
    expect(await rejectionOf(credentials.save(key, { pat: 'x' }, context))).toMatchObject({
      code: 'audit_unavailable',
    })
    expect(await credentials.status(key, { correlationId: 'c' })).toEqual({ status: 'absent' })
  })

  test('is acknowledged when only its report cannot be written, and health turns red', async () => {
    const { credentials, failing, health } = await setUp()
    failing.fails = 'credential.stored'
    await credentials.save(key, { pat: 'x' }, context)
    expect((await credentials.status(key, { correlationId: 'c' })).status).toBe('active')
    expect(health.problems().get('audit')).toBe('disk_full')
  })

  test('that fails leaves the earlier value', async () => {
    const { credentials, backend, types } = await setUp()
    await credentials.save(key, { pat: 'first' }, context)
    const write = backend.write
    backend.write = async () => {
      throw new CredentialVaultError('unavailable', 'The disk is full.', { reason: 'disk_full' })
    }
    expect(await rejectionOf(credentials.save(key, { pat: 'second' }, context))).toMatchObject({
      reason: 'disk_full',
    })
    backend.write = write
    expect(types().at(-1)).toBe('credential.store_failed')
    expect(await credentials.release(key, variables, context)).toEqual({ pat: 'first' })
  })
})

describe('rotate', () => {
  test('replaces one field and keeps the others', async () => {
    const { credentials, backend } = await setUp()
    await credentials.save(key, { pat: 'old', user: 'alice' }, context)
    await credentials.rotate(key, { field: 'pat', value: 'new' }, context)
    expect(await backend.read(key, { signal: new AbortController().signal, correlationId: 'c' })).toMatchObject({
      values: { pat: 'new', user: 'alice' },
    })
  })

  test('has to be told the field when there are several', async () => {
    const { credentials } = await setUp()
    await credentials.save(key, { pat: 'old', user: 'alice' }, context)
    expect(await rejectionOf(credentials.rotate(key, { value: 'new' }, context))).toMatchObject({
      reason: 'field_unknown',
      message: expect.stringContaining('pat, user'),
    })
  })

  test('F15: every read of values for it has its line, also when nothing is rotated', async () => {
    const { credentials, backend, audit, types } = await setUp()
    await credentials.save(key, { pat: 'old', user: 'alice' }, context)
    const reads = { made: 0 }
    const read = backend.read
    backend.read = async (...parameters) => {
      reads.made += 1
      return read(...parameters)
    }
    const linesAbout = (type: string) => audit.events.filter((event) => event.type === type)
    const rotated = { field: 'pat', value: 'new' }
    for (const [change, refused] of [
      [{ value: 'new' }, true],
      [{ field: 'token', value: 'new' }, true],
      [rotated, false],
    ] as const) {
      const attempt = credentials.rotate(key, change, context)
      if (refused) expect(await rejectionOf(attempt)).toMatchObject({ reason: 'field_unknown' })
      else await attempt
      expect(linesAbout('credential.read')).toHaveLength(reads.made)
    }
    expect(reads.made).toBe(3)
    expect(linesAbout('credential.read')[0]).toMatchObject({
      outcome: 'success',
      owner: key.owner,
      provider: 'jira',
      version: '1',
    })
    await credentials.revoke(key, { purge: false }, context)
    expect(await rejectionOf(credentials.rotate(key, rotated, context))).toMatchObject({
      code: 'credential_revoked',
    })
    expect(types().at(-1)).toBe('credential.missing')
  })

  test('F15: is refused when its read cannot be written down, and when the store fails that has its line', async () => {
    const { credentials, backend, failing, types } = await setUp()
    await credentials.save(key, { pat: 'old' }, context)
    failing.fails = 'credential.read'
    const before = types().length
    const attempt = credentials.rotate(key, { field: 'token', value: 'new' }, context)
    // Not even the names of the fields are told.
    expect(await rejectionOf(attempt)).toMatchObject({ code: 'audit_unavailable' })
    expect(await rejectionOf(credentials.rotate(key, { value: 'new' }, context))).toMatchObject({
      code: 'audit_unavailable',
    })
    expect(types()).toHaveLength(before)
    failing.fails = undefined
    backend.read = async () => {
      throw new CredentialVaultError('record_tampered', 'It fails its checks.', { reason: 'signature' })
    }
    expect(await rejectionOf(credentials.rotate(key, { value: 'new' }, context))).toMatchObject({
      code: 'record_tampered',
    })
    expect(types().at(-1)).toBe('record.tampered')
  })

  test('of what somebody changed meanwhile is a conflict', async () => {
    const { credentials, backend } = await setUp()
    await credentials.save(key, { pat: 'old' }, context)
    const read = backend.read
    backend.read = async (which, call) => {
      const found = await read(which, call)
      backend.read = read
      await credentials.save(key, { pat: 'meanwhile' }, context)
      return found
    }
    expect(await rejectionOf(credentials.rotate(key, { value: 'new' }, context))).toMatchObject({ code: 'conflict' })
    expect(await credentials.release(key, variables, context)).toEqual({ pat: 'meanwhile' })
  })

  test('needs a credential', async () => {
    const { credentials } = await setUp()
    expect(await rejectionOf(credentials.rotate(key, { value: 'new' }, context))).toMatchObject({
      code: 'credential_absent',
    })
  })
})

describe('revoke', () => {
  test('proceeds although the audit log is down, and health turns red', async () => {
    const { credentials, failing, health } = await setUp()
    await credentials.save(key, { pat: 'x' }, context)
    failing.fails = 'all'
    expect(await credentials.revoke(key, { purge: false }, context)).toBe(true)
    expect((await credentials.status(key, { correlationId: 'c' })).status).toBe('revoked')
    expect(health.problems().has('audit')).toBe(true)
  })

  test('of nothing says so', async () => {
    const { credentials } = await setUp()
    expect(await credentials.revoke(key, { purge: false }, context)).toBe(false)
  })

  test('with purge reads as absent afterwards', async () => {
    const { credentials } = await setUp()
    await credentials.save(key, { pat: 'x' }, context)
    expect(await credentials.revoke(key, { purge: true }, context)).toBe(true)
    expect(await credentials.status(key, { correlationId: 'c' })).toEqual({ status: 'absent' })
  })
})
