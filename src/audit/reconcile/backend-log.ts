/** One access to a secret, from the backend's own log. */
export interface ForeignAccess {
  /** RFC 3339. */
  readonly at: string
  /** In the vendor's terms, e.g. `read secret/data/…` or `GetSecretValue mcp-credentials/…`. */
  readonly operation: string
  readonly requestId: string
  /** From the request's header; AWS does not log it. */
  readonly correlationId: string | undefined
  /** The caller, as the backend identified it. */
  readonly who: string
  /** Whether the backend refused it. */
  readonly refused: boolean
}

/** The backend's own log. */
export interface BackendLog {
  /** Number of entries of any kind. */
  readonly entries: number
  readonly accesses: readonly ForeignAccess[]
  /** Ids of all its requests, including those that touch no value. */
  readonly requestIds: ReadonlySet<string>
  /** Times of its first and last entry, Unix milliseconds. */
  readonly from: number
  readonly to: number
}

export interface BackendLogEntry {
  readonly at: string
  readonly requestId: string
  readonly access: ForeignAccess | undefined
}

export function backendLog(entries: readonly BackendLogEntry[]): BackendLog {
  const times = entries.map(({ at }) => Date.parse(at)).filter((time) => !Number.isNaN(time))
  return {
    entries: entries.length,
    accesses: entries.flatMap(({ access }) => access ?? []),
    requestIds: new Set(entries.map(({ requestId }) => requestId)),
    from: times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    to: times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  }
}
