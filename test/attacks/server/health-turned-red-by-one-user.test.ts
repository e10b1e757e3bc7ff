import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { newCorrelationId } from '../../../src/core/model/correlation-id.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { createCredentials } from '../../harness/credential-services.ts'

// With `assertion`, each user's own JWT is fetched or exchanged. When that fails for one of them, the backend is as well as before.
test("an exchange that fails for one user's token says nothing about the backend", async () => {
  await sodiumReady()
  const memory = memoryBackend()
  const health = createHealth(() => undefined)
  const credentials = createCredentials({
    backend: {
      ...memory,
      // As a backend does that logs in as the user: it calls for the JWT first.
      stat: async (key, call) => {
        await call.assertion?.()
        return memory.stat(key, call)
      },
    },
    journal: createJournal({ audit: memoryAudit(), health }),
    health,
  })
  const context = {
    correlationId: newCorrelationId(),
    assertion: async () => {
      throw new Error('invalid_grant: this account is disabled')
    },
  }
  const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'mallory' })
  await expect(credentials.status(key, context)).rejects.toMatchObject({ code: 'unavailable' })
  expect(Object.fromEntries(health.problems())).toEqual({})
})

// What `awsSecretsManagerBackend` says of one secret: the first is reached by saving one's own credential a hundred times a day.
test.each(['quota', 'still_being_removed', 'contended'] as const)(
  'a credential of one user that cannot be saved for %s says nothing about the backend',
  async (reason) => {
    await sodiumReady()
    const health = createHealth(() => undefined)
    const credentials = createCredentials({
      backend: {
        ...memoryBackend(),
        write: async () => {
          throw new CredentialVaultError('unavailable', 'Nothing was saved.', { reason })
        },
      },
      journal: createJournal({ audit: memoryAudit(), health }),
      health,
    })
    const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'mallory' })
    const saving = credentials.save(key, { pat: 'x' }, { correlationId: newCorrelationId() })
    await expect(saving).rejects.toMatchObject({ reason })
    expect(Object.fromEntries(health.problems())).toEqual({})
  },
)
