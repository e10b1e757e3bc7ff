import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { Verification, VerifyFailure } from '../../../src/core/ports/form-provider.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { createCredentials } from '../../harness/credential-services.ts'
import { rejectionOf } from '../../harness/thrown-error.ts'

const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const context = { correlationId: 'page', address: '10.0.0.1' }
const tool = { correlationId: 'call', tool: 'create_issue' }

async function world({
  backend = memoryBackend(),
  log = memoryAudit(),
}: {
  backend?: SecretBackend
  log?: ReturnType<typeof memoryAudit>
} = {}) {
  const health = createHealth(() => {})
  const services = createCredentials({ backend, journal: createJournal({ audit: log, health }), health })
  await services.save(key, { pat: 'first' }, context)
  return { ...services, types: () => log.events.map(({ type }) => type), events: log.events }
}

type World = Awaited<ReturnType<typeof world>>

async function reject({ releaseVersion, rejections }: World): Promise<void> {
  const { version } = await releaseVersion(key, variables, tool)
  expect(await rejections.settle(key, { version, status: 401 }, tool)).toBe('rejected')
}

/** A backend whose policy lets nobody mark a version. */
function withoutMarks(): SecretBackend {
  const { markRejected: _markRejected, ...backend } = memoryBackend()
  return backend
}

test.each([
  ['keeps marks', memoryBackend],
  ['does not keep marks', withoutMarks],
])('its owner puts a refused version back in use, in a backend that %s', async (_name, backend) => {
  const vault = await world({ backend: backend() })
  await reject(vault)
  expect(await vault.owned.status(key, context)).toMatchObject({ labels: { rejectedAt: expect.any(Date) } })
  expect(await rejectionOf(vault.release(key, variables, tool))).toMatchObject({ code: 'credential_rejected' })

  expect(await vault.owned.reinstate(key, context)).toBe(true)
  expect(await vault.release(key, variables, tool)).toEqual({ pat: 'first' })
  const [line] = vault.events.filter(({ type }) => type === 'credential.reinstated')
  expect(line).toMatchObject({
    outcome: 'success',
    owner: key.owner,
    provider: 'jira',
    version: '1',
    address: '10.0.0.1',
  })
  expect(line).not.toHaveProperty('tool', expect.anything())
})

test('there is nothing to undo for a version in use, a newer one, a revoked one and none', async () => {
  const vault = await world()
  expect(await vault.owned.reinstate(key, context)).toBe(false)
  await reject(vault)
  await vault.save(key, { pat: 'second' }, context)
  expect(await vault.owned.reinstate(key, context)).toBe(false)
  await vault.revoke(key, { purge: false }, context)
  expect(await vault.owned.reinstate(key, context)).toBe(false)
  await vault.revoke(key, { purge: true }, context)
  expect(await vault.owned.reinstate(key, context)).toBe(false)
  expect(vault.types()).not.toContain('credential.reinstated')
})

test('a version stays out of use if the line about it cannot be written', async () => {
  const log = memoryAudit()
  const vault = await world({ log })
  await reject(vault)
  const append = log.append
  log.append = async () => {
    throw new CredentialVaultError('audit_unavailable', 'The disk is full.')
  }
  expect(await rejectionOf(vault.owned.reinstate(key, context))).toMatchObject({ code: 'audit_unavailable' })
  log.append = append
  expect(await vault.owned.status(key, context)).toMatchObject({ labels: { rejectedAt: expect.any(Date) } })
})

const UNAVAILABLE = new CredentialVaultError('unavailable', 'The backend is down.')

test.each<[string, string, () => Promise<boolean>]>([
  ['the backend fails', 'unavailable', () => Promise.reject(UNAVAILABLE)],
  ['another version is the newest', 'conflict', async () => false],
])('a mark that stays because %s has a line that says so', async (_name, reason, markRejected) => {
  const backend = memoryBackend()
  const vault = await world({ backend })
  await reject(vault)
  Object.assign(backend, { markRejected })
  const end = await vault.owned.reinstate(key, context).catch(({ code }) => code)
  expect(end).toBe(reason === 'conflict' ? false : reason)
  const lines = vault.events.filter(({ type }) => type === 'credential.reinstated')
  expect(lines).toMatchObject([{ outcome: 'success' }, { outcome: 'error', reason }])
})

const verify = (answer: Verification | VerifyFailure) => ({ variables, verify: async () => answer })

test('a test that the service passes names the account, and both lines', async () => {
  const vault = await world()
  const provider = verify({ ok: true, accountName: 'alice@acme' })
  expect(await vault.testStored(provider, key, context)).toEqual({ kind: 'works', accountName: 'alice@acme' })
  expect(vault.types().slice(-2)).toEqual(['credential.resolved', 'credential.verified'])
  expect(vault.events.at(-1)).toMatchObject({ version: '1', owner: key.owner })
})

test('a test that the service refuses puts that version out of use, and its owner can undo it', async () => {
  const vault = await world()
  const refused = await vault.testStored(verify({ ok: false, problem: 'It is dead.' }), key, context)
  expect(refused).toEqual({ kind: 'refused', problem: 'It is dead.', after: 'rejected' })
  expect(vault.types().slice(-3)).toEqual([
    'credential.resolved',
    'credential.verification_failed',
    'credential.rejected',
  ])
  expect(await rejectionOf(vault.release(key, variables, tool))).toMatchObject({ code: 'credential_rejected' })
  expect(await vault.owned.reinstate(key, context)).toBe(true)
  expect(await vault.release(key, variables, tool)).toEqual({ pat: 'first' })
})

test('a test of a version that was replaced meanwhile leaves the new one in use', async () => {
  const vault = await world()
  const provider = {
    variables,
    async verify() {
      await vault.save(key, { pat: 'second' }, context)
      return { ok: false, problem: 'It is dead.' } as const
    },
  }
  expect(await vault.testStored(provider, key, context)).toMatchObject({ after: 'replaced' })
  expect(await vault.release(key, variables, tool)).toEqual({ pat: 'second' })
})

test('a test without a verdict changes nothing, and the log has its reason', async () => {
  const vault = await world()
  const failure = { ok: 'unknown', reason: 'service_timeout', detail: 'x', passing: true, fields: new Map() } as const
  expect(await vault.testStored(verify(failure), key, context)).toEqual({ kind: 'unknown', failure })
  expect(vault.events.at(-1)).toMatchObject({
    type: 'credential.verification_failed',
    outcome: 'error',
    reason: 'service_timeout',
  })
  expect(await vault.release(key, variables, tool)).toEqual({ pat: 'first' })
})
