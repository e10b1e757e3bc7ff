import type { LogRecord } from '../query/log-record.ts'
import type { BackendLog, ForeignAccess } from './backend-log.ts'

export interface OwnRequest {
  readonly at: string
  readonly type: string
  readonly provider: string
  readonly requestId: string
  readonly correlationId: string
}

export interface Reconciliation {
  /** Accesses in the backend's log whose request id is in ours. */
  readonly byRequestId: number
  /** Accesses that match by correlation id only: their answer was an error or was lost, or `doctor` made them. */
  readonly byCorrelationId: number
  /** Accesses to secrets that our log does not have. */
  readonly onlyBackend: readonly ForeignAccess[]
  /** Requests of ours that the backend's log lacks although it covers their time. */
  readonly onlyOurs: readonly OwnRequest[]
}

/**
 * Compares our audit log with the backend's own.
 *
 * @param margin milliseconds at both ends of the backend's log, in which a request of ours may be in the neighbouring file
 */
export async function reconcile(
  lines: AsyncIterable<LogRecord>,
  { accesses, requestIds, from, to }: BackendLog,
  margin: number,
): Promise<Reconciliation> {
  const ownIds = new Set<string>()
  const ownCorrelations = new Set<string>()
  const onlyOurs: OwnRequest[] = []
  for await (const { at, type, provider = '', backendRequestIds = [], correlationId = '' } of lines) {
    ownCorrelations.add(correlationId)
    const time = Date.parse(at)
    for (const requestId of backendRequestIds) {
      ownIds.add(requestId)
      if (time >= from + margin && time <= to - margin && !requestIds.has(requestId))
        onlyOurs.push({ at, type, provider, requestId, correlationId })
    }
  }
  const rest = accesses.filter(({ requestId }) => !ownIds.has(requestId))
  const onlyBackend = rest.filter(
    ({ correlationId = '' }) => correlationId === '' || !ownCorrelations.has(correlationId),
  )
  return {
    byRequestId: accesses.length - rest.length,
    byCorrelationId: rest.length - onlyBackend.length,
    onlyBackend,
    onlyOurs,
  }
}
