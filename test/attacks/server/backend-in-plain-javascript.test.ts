import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { type ErrorReason, isErrorReason } from '../../../src/core/model/error-reason.ts'
import { CredentialVaultError, type ErrorCode } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { createCredentials } from '../../harness/credential-services.ts'

// Other people's code in our process: a backend that no compiler has checked.
const SECRET = 'tok-canary-5512d09a'
const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } }, 'variables')
const context = { correlationId: 'call' }

function over(change: Partial<SecretBackend>) {
  const audit = memoryAudit()
  const health = createHealth(() => undefined)
  const backend = { ...memoryBackend(), ...change }
  return {
    audit,
    health,
    credentials: createCredentials({ backend, journal: createJournal({ audit, health }), health }),
  }
}

test.each([[SECRET], [42], [{ toString: () => SECRET }], [`x_${SECRET}`]])(
  'a reason that is none (%#) reaches no error, line or health report',
  async (reason) => {
    const fails = async (): Promise<never> => {
      throw new CredentialVaultError('forbidden', 'No.', { reason: reason as ErrorReason })
    }
    const { audit, health, credentials } = over({ read: fails, stat: fails })
    const error: unknown = await credentials.release(key, variables, context).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'forbidden', reason: undefined })
    expect(JSON.stringify([audit.events, [...health.problems()]])).not.toContain(SECRET)
    expect(audit.events.map(({ type }) => type)).toContain('credential.denied')
  },
)

test.each([[SECRET], ['toString'], ['__proto__'], [undefined]])(
  'a code that is none (%#) reads as an outage',
  (code) => {
    expect(new CredentialVaultError(code as ErrorCode, 'No.')).toMatchObject({ code: 'unavailable' })
  },
)

test('a reason of somebody else begins with x_ and is a short word', () => {
  expect(isErrorReason('x_quota_of_the_tenant')).toBe(true)
  for (const reason of ['x_', `x_${'a'.repeat(61)}`, 'X_quota', 'x_Quota', 'mine', 'status_1000', 'toString'])
    expect(isErrorReason(reason), reason).toBe(false)
})

test.each([['rejected'], [undefined], [null], ['ACTIVE']])(
  'a status that is none (%s) is an outage: nothing is released, and nobody is asked for a new credential',
  async (status) => {
    const answer = async () => ({ status, version: undefined, values: { pat: SECRET } }) as never
    const { audit, credentials } = over({ read: answer, stat: answer })
    await expect(credentials.release(key, variables, context)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(credentials.status(key, context)).rejects.toMatchObject({ code: 'unavailable', reason: 'answer' })
    expect(audit.events.map(({ type }) => type)).not.toContain('credential.resolved')
  },
)

test('no answer at all is an outage, too', async () => {
  const answer = async () => undefined as never
  const { credentials } = over({ read: answer, stat: answer })
  await expect(credentials.status(key, context)).rejects.toMatchObject({ code: 'unavailable', reason: 'answer' })
})
