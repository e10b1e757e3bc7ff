/** One access to a secret, as the backend's own log tells it. */
export interface ForeignAccess {
  /** RFC 3339. */
  readonly at: string
  /** In the vendor's words, e.g. `read secret/data/…` or `GetSecretValue mcp-credentials/…`. */
  readonly operation: string
  readonly requestId: string
  /** As the request's own header said; AWS keeps none. */
  readonly correlationId: string | undefined
  /** Who the backend took the caller for. */
  readonly who: string
  /** The backend refused it. */
  readonly refused: boolean
}

/** The contents of the backend's own log. */
export interface BackendLog {
  /** How many entries it has, of whatever they are. */
  readonly entries: number
  readonly accesses: readonly ForeignAccess[]
  /** Of every request in it, also of those that touch no value. */
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
