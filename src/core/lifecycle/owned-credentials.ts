import type { BackendCalls } from '../credentials/backend-calls.ts'
import type { AccessLog } from '../credentials/credential-audit.ts'
import { statusOf } from '../credentials/status-of.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { CredentialStatus, WritableBackend } from '../ports/secret-backend.ts'
import { reinstate } from './reinstatement.ts'
import type { RejectionMarks } from './rejection-marks.ts'

/** The status and the rejections of credentials, for their owners' own page. It reads no values. */
export interface OwnedCredentials {
  /** Asks the backend, never a cache. Reads no values and is not audited. */
  status(key: StorageKey, context: Pick<AccessContext, 'correlationId'>): Promise<CredentialStatus>
  /**
   * Puts the newest version back in use once its `credential.reinstated` line is durable. Resolves to false, and changes nothing, if the
   * newest version is not a rejected one.
   *
   * @throws `audit_unavailable`, or a backend's error: then the version stays out of use
   */
  reinstate(key: StorageKey, context: AccessContext): Promise<boolean>
}

export interface OwnedCredentialsParts {
  readonly backend: Pick<WritableBackend, 'name' | 'stat'>
  readonly calls: BackendCalls
  readonly log: AccessLog
  readonly marks: RejectionMarks
  /** Called for each credential that changed. */
  readonly changed?: ((key: StorageKey) => void) | undefined
}

export function createOwnedCredentials(parts: OwnedCredentialsParts): OwnedCredentials {
  const { marks, changed } = parts

  async function status(key: StorageKey, context: Pick<AccessContext, 'correlationId'>): Promise<CredentialStatus> {
    const found = await statusOf(parts, key, context)
    if (found.status !== 'active') return found
    const rejectedAt = found.labels?.rejectedAt ?? marks.at(key, found.version)
    return rejectedAt ? { ...found, labels: { ...found.labels, rejectedAt } } : found
  }

  return {
    status,
    async reinstate(key, context) {
      const found = await status(key, context)
      if (found.status !== 'active' || !found.labels?.rejectedAt) return false
      const isReinstated = await reinstate(parts, key, found.version, context)
      changed?.(key)
      return isReinstated
    },
  }
}
