import { createBackendCalls } from '../../src/core/credentials/backend-calls.ts'
import { type CredentialAdmin, createCredentialAdmin } from '../../src/core/credentials/credential-admin.ts'
import { type AccessLog, createAccessLog } from '../../src/core/credentials/credential-audit.ts'
import { type CredentialReader, createCredentialReader } from '../../src/core/credentials/credential-reader.ts'
import { type CredentialWriter, createCredentialWriter } from '../../src/core/credentials/credential-writer.ts'
import type { Health } from '../../src/core/journal/health.ts'
import type { Journal } from '../../src/core/journal/journal.ts'
import { createOwnedCredentials, type OwnedCredentials } from '../../src/core/lifecycle/owned-credentials.ts'
import { createRejectionMarks } from '../../src/core/lifecycle/rejection-marks.ts'
import { createRejections, type Rejections } from '../../src/core/lifecycle/rejections.ts'
import { createStoredTest, type StoredTest } from '../../src/core/lifecycle/stored-test.ts'
import type { CredentialValues } from '../../src/core/model/variables.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'

/** All three doors to one backend, as a process that does everything has them. */
export interface Credentials
  extends Omit<CredentialAdmin, 'status'>,
    Omit<CredentialReader, 'release'>,
    CredentialWriter {
  release(...of: Parameters<CredentialReader['release']>): Promise<CredentialValues>
  releaseVersion: CredentialReader['release']
  record(...line: Parameters<AccessLog['grant']>): Promise<void>
  note: AccessLog['note']
  owned: OwnedCredentials
  testStored: StoredTest
  rejections: Rejections
}

export interface CredentialsParts {
  readonly backend: SecretBackend
  readonly journal: Journal
  readonly health: Health
  readonly readDeadline?: number
  readonly writeDeadline?: number
  readonly cacheTtl?: number
}

export function createCredentials(parts: CredentialsParts): Credentials {
  const { backend, journal, health, readDeadline, writeDeadline, cacheTtl } = parts
  const log = createAccessLog(journal, backend.name)
  const calls = createBackendCalls({ name: backend.name, health, readDeadline, writeDeadline })
  const marks = createRejectionMarks({ backend, calls, warn: () => undefined })
  const reader = createCredentialReader({ backend, calls, log, cacheTtl, rejectedAt: marks.at })
  const changed = reader.forget
  const rejections = createRejections({ reader, log, marks, maxOwners: 5, warn: () => undefined })
  return {
    owned: createOwnedCredentials({ backend, calls, log, marks, changed }),
    testStored: createStoredTest({ reader, rejections, log }),
    rejections,
    ...createCredentialAdmin({ backend, calls, log, changed }),
    ...createCredentialWriter({ backend, calls, log, changed }),
    ...reader,
    releaseVersion: reader.release,
    release: async (...of) => (await reader.release(...of)).values,
    record: async (...line) => void (await log.grant(...line)),
    note: log.note,
  }
}
