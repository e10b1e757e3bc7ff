import { inspect } from 'node:util'
import { expect } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import { problemKind } from '../../src/core/gate/gate-problem.ts'
import { gateTexts } from '../../src/core/gate/gate-texts.ts'
import { createHealth } from '../../src/core/journal/health.ts'
import { createJournal } from '../../src/core/journal/journal.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { defineVariables } from '../../src/core/model/variables.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { saveFailure } from '../../src/web/form/failure-answers.ts'
import { advanceClock } from '../harness/advance-clock.ts'
import { createCredentials } from '../harness/credential-services.ts'
import { rejectionOf } from '../harness/thrown-error.ts'

export const ALICE = { issuer: 'https://login.example.com', subject: 'alice' }
export const KEY = storageKey('jira', ALICE)
export const PAT = 'glpat-canary-0123456789'
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })

/** Milliseconds. Longer than any test takes: only `afterTtl` ends it. */
const TTL = 600_000

/** A backend behind core, as tools and the form use it. */
export function storeUnderTest(
  backend: SecretBackend,
  given: { readonly deadline?: number; readonly ttl?: number } = {},
) {
  const { deadline = 20_000, ttl = TTL } = given
  const audit = memoryAudit()
  const health = createHealth(() => undefined)
  const credentials = createCredentials({
    backend,
    journal: createJournal({ audit, health }),
    health,
    cacheTtl: ttl,
    readDeadline: deadline,
    writeDeadline: deadline,
  })
  const context = { correlationId: crypto.randomUUID() }
  const release = async (options?: { readonly fresh?: boolean }) =>
    (await credentials.release(KEY, variables, context, options))['pat']
  const save = (pat = PAT) => credentials.save(KEY, { pat }, context)
  return {
    backend,
    credentials,
    audit,
    health,
    context,
    variables,
    release,
    save,
    status: async () => (await credentials.status(KEY, context)).status,
    revoke: (purge = false) => credentials.revoke(KEY, { purge }, context),
    /** Expects it to fail with this code and reason, and says what the tool's and the form's user would read. */
    async refusal(work: Promise<unknown>, code: string, reason?: string) {
      const error = await rejectionOf(work)
      expect({ code: error.code, reason: error.reason }).toEqual({ code, reason: reason ?? error.reason })
      expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(PAT)
      const kind = problemKind(error)
      return {
        error,
        tool: kind === undefined ? '' : gateTexts[kind]('Jira', error),
        form: saveFailure(error, 'REF').text,
      }
    },
  }
}

export function afterTtl(): void {
  advanceClock(TTL)
}
