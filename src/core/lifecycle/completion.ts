import type { BackendCalls } from '../credentials/backend-calls.ts'
import { requestIdsOf, traceOf } from '../credentials/call-trace.ts'
import type { AccessLog } from '../credentials/credential-audit.ts'
import type { CredentialReader } from '../credentials/credential-reader.ts'
import { lookUp } from '../credentials/status-of.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialValues, Variable } from '../model/variables.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { ReadableBackend, StoredVersion, VersionLabels } from '../ports/secret-backend.ts'
import { currentState, missingFields, type StateProvider } from './state-of.ts'

/** Lets the form ask only for the fields that the provider has gained, and keep the other values. */
export interface Completion {
  /** Returns the required variables that an `incomplete` credential lacks, and none in any other state: its owner then enters all fields. */
  missing(
    key: StorageKey,
    provider: StateProvider,
    context: Pick<AccessContext, 'correlationId'>,
  ): Promise<readonly Variable[]>
  /**
   * Returns the stored values once the `credential.read` line is durable, or undefined if none are stored any more.
   *
   * @throws `audit_unavailable`, or a backend's error
   */
  kept(key: StorageKey, provider: StateProvider, context: AccessContext): Promise<KeptValues | undefined>
}

export interface KeptValues {
  readonly values: CredentialValues
  readonly version: StoredVersion
  /** What is known of this version, and stays true of the values that are kept. */
  readonly labels: VersionLabels
}

export interface CompletionParts {
  readonly backend: ReadableBackend
  readonly calls: BackendCalls
  readonly log: AccessLog
  readonly reader: Pick<CredentialReader, 'status' | 'fields' | 'forget'>
}

export function createCompletion({ backend, calls, log, reader }: CompletionParts): Completion {
  return {
    async missing(key, provider, context) {
      const { state, status } = await currentState(reader, key, provider, context)
      if (state !== 'incomplete' || status.status !== 'active') return []
      return missingFields(provider.variables, status.fields ?? [])
    },

    async kept(key, provider, context) {
      reader.forget(key)
      const { state, status } = await currentState(reader, key, provider, context)
      // It may have been rejected or revoked while the form was open.
      if (state !== 'incomplete' || status.status !== 'active') return undefined
      const trace = traceOf(context)
      const found = await lookUp({ backend, calls }, key, trace)
      if (found.status !== 'active' || found.version.ref !== status.version.ref) return undefined
      const { values, version } = found
      const line = { type: 'credential.read', outcome: 'success', version: version.label } as const
      await log.grant(key, context, { ...line, backendRequestIds: requestIdsOf(trace) })
      const texts = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      return { values: Object.fromEntries(texts), version, labels: status.labels ?? {} }
    },
  }
}
