import { randomBytes } from 'node:crypto'
import { throwIfAborted } from '../core/host/deadline.ts'
import type { StorageKey } from '../core/model/storage-key.ts'
import type { CredentialValues } from '../core/model/variables.ts'
import { checkExpectation } from '../core/ports/expectation.ts'
import type {
  BackendCall,
  CredentialLookup,
  CredentialStatus,
  SecretBackend,
  StoredVersion,
  VersionLabels,
  VersionRef,
  WriteIntent,
} from '../core/ports/secret-backend.ts'

interface Entry {
  readonly key: StorageKey
  readonly version: StoredVersion
  readonly operationId: string
  /** Undefined after a revocation. */
  readonly values: CredentialValues | undefined
  readonly labels: VersionLabels
}

type NewEntry = Pick<Entry, 'operationId' | 'values'> & Pick<WriteIntent, 'labels'>

/**
 * Keeps credentials unsealed in this process's memory, for tests and demonstrations. They end with the process, and no other process sees
 * them. It has no key of its own, so a web key must be configured or is generated at every start.
 *
 * @example
 * ```ts
 * import { memoryBackend, openVault } from 'mcp-credential-vault'
 *
 * const vault = await openVault({ serverBaseUrl: 'http://localhost:8005', backend: memoryBackend() })
 * ```
 */
export function memoryBackend(): SecretBackend {
  const entries = new Map<string, Entry>()

  function put(key: StorageKey, { operationId, values, labels = {} }: NewEntry): StoredVersion {
    const number = Number(entries.get(key.path)?.version.label ?? 0) + 1
    const ref = randomBytes(12).toString('base64url') as VersionRef
    const version = { ref, label: String(number), createdAt: new Date() }
    entries.set(key.path, { key, version, operationId, values, labels })
    return version
  }

  return {
    name: 'memory',
    async open() {},

    async read(key, call): Promise<CredentialLookup> {
      begin(call)
      const entry = entries.get(key.path)
      return entry?.values === undefined
        ? inactive(entry)
        : { status: 'active', version: entry.version, values: { ...entry.values }, labels: entry.labels }
    },

    isCurrent(key, version) {
      const entry = entries.get(key.path)
      return entry?.values !== undefined && entry.version.ref === version.ref
    },

    async stat(key, call) {
      begin(call)
      return statusOf(entries.get(key.path))
    },

    async write(key, values, { expect, operationId, labels }, call) {
      begin(call)
      const entry = entries.get(key.path)
      if (entry?.values !== undefined && entry.operationId === operationId) return entry.version
      checkExpectation(expect, statusOf(entry))
      call.noteBase?.(statusOf(entry))
      return put(key, { values: { ...values }, operationId, labels })
    },

    async revoke(key, { expect, operationId, purge }, call) {
      begin(call)
      const entry = entries.get(key.path)
      if (!entry) return false
      if (entry.values === undefined && !purge) return entry.operationId === operationId
      checkExpectation(expect, statusOf(entry))
      if (purge) entries.delete(key.path)
      else put(key, { values: undefined, operationId })
      return true
    },

    async markRejected(key, version, rejectedAt, call) {
      begin(call)
      const entry = entries.get(key.path)
      if (entry?.values === undefined || entry.version.ref !== version.ref) return false
      entries.set(key.path, { ...entry, labels: { ...entry.labels, rejectedAt } })
      return true
    },

    async *list(call) {
      begin(call)
      for (const entry of [...entries.values()]) yield { key: entry.key, status: statusOf(entry) }
    },

    locate: (key) => `this process's memory: ${key.path}`,

    async close() {
      entries.clear()
    },
  }
}

function begin({ signal }: BackendCall): void {
  throwIfAborted(signal)
}

function statusOf(entry: Entry | undefined): CredentialStatus {
  if (entry?.values === undefined) return inactive(entry)
  const { version, values, labels } = entry
  return { status: 'active', version, fields: Object.keys(values), labels }
}

function inactive(entry: Entry | undefined): Exclude<CredentialStatus, { status: 'active' }> {
  return entry ? { status: 'revoked', version: entry.version } : { status: 'absent' }
}
