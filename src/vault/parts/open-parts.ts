import { jsonLinesAudit } from '../../audit/json-lines.ts'
import { type BackendCalls, createBackendCalls } from '../../core/credentials/backend-calls.ts'
import { type AccessLog, createAccessLog } from '../../core/credentials/credential-audit.ts'
import { createKeyUses } from '../../core/crypto/key-uses.ts'
import {
  createSealer,
  type MacPurpose,
  type Sealer,
  type SealerPurposes,
  type SealPurpose,
} from '../../core/crypto/seal.ts'
import { sodiumReady } from '../../core/crypto/sodium.ts'
import { withDeadline } from '../../core/host/deadline.ts'
import { createDrain, type Drain } from '../../core/host/drain.ts'
import type { Warn } from '../../core/host/logger.ts'
import { notesOf, warningsOf } from '../../core/host/process-warning.ts'
import { createEventListeners, type EventListeners } from '../../core/journal/event-listeners.ts'
import { createHealth, type Health } from '../../core/journal/health.ts'
import { createJournal, type Journal } from '../../core/journal/journal.ts'
import { auditWithTranslatedErrors, pendingStoreWithTranslatedErrors } from '../../core/journal/translated-errors.ts'
import { watchedPendingStore } from '../../core/journal/watched-pending-store.ts'
import { createRejectionMarks, type RejectionMarks } from '../../core/lifecycle/rejection-marks.ts'
import { CHANGE_PURPOSES, createSharedChanges, type SharedChanges } from '../../core/lifecycle/shared-changes.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { checkServerBaseUrl } from '../../core/network/server-base-url.ts'
import type { Identity } from '../../core/ports/identity.ts'
import type { PendingStore } from '../../core/ports/pending-store.ts'
import type { MarkableBackend, SecretBackend } from '../../core/ports/secret-backend.ts'
import {
  createPendingRequests,
  PENDING_REQUEST_PURPOSES,
  type PendingRequests,
} from '../../core/requests/pending-requests.ts'
import { type CountUse, createSharedLimits, LIMIT_PURPOSES } from '../../core/requests/shared-limits.ts'
import { createTelemetry, type Telemetry } from '../../core/telemetry/telemetry.ts'
import { memoryPendingStore } from '../../pending/memory-pending-store.ts'
import { closeEach, orClose } from './close-each.ts'
import { openIdentity } from './open-identity.ts'
import type { OpenVaultOptions } from './open-vault-options.ts'
import { secondServer } from './second-server.ts'
import { findWebKeys } from './web-key.ts'
import { watchWebKeys } from './web-key-watch.ts'

/** The methods of a backend that opening and closing use. */
export type OpenableBackend = Pick<
  SecretBackend,
  'open' | 'close' | 'stat' | 'deriveKey' | 'checkKeys' | 'announceServer'
> &
  MarkableBackend

export type PartsOptions = Pick<
  OpenVaultOptions,
  | 'serverBaseUrl'
  | 'identity'
  | 'pendingStore'
  | 'browserSessions'
  | 'changeFeed'
  | 'audit'
  | 'webKey'
  | 'acceptedWebKeys'
  | 'linkTtlSeconds'
  | 'verifyToken'
  | 'warn'
  | 'logger'
  | 'telemetry'
> & { readonly backend: OpenableBackend }

/** The difference between the functions that open a vault or one tier of it. */
export interface Opening<S extends SealPurpose, M extends MacPurpose> {
  /** The function that was called, for the option paths in errors. */
  readonly caller: 'openVault' | 'openFormTier' | 'openToolTier'
  /** The purposes that the opened sealer has keys for. */
  readonly purposes: SealerPurposes<S, M>
}

/** The parts that both tiers share. None of them reads or writes a value. */
export interface OpenedParts<S extends SealPurpose, M extends MacPurpose> {
  readonly serverBaseUrl: URL
  readonly identity: Identity
  readonly sealer: Sealer<S, M>
  readonly health: Health
  readonly journal: Journal
  readonly events: EventListeners
  readonly pendingRequests: PendingRequests
  readonly pendingStore: PendingStore
  readonly backend: Pick<OpenableBackend, 'stat' | 'checkKeys'>
  /** Counts running work, so that closing waits for it. */
  readonly drain: Drain
  /** Counts the uses of rate limits over all replicas. Undefined where this process counts for itself. */
  readonly countUse: CountUse | undefined
  readonly calls: BackendCalls
  readonly log: AccessLog
  readonly marks: RejectionMarks
  /** Tells other replicas of changes. */
  readonly changes: SharedChanges
  readonly warnOf: (place: string) => Warn
  /** How a part notes what is no problem, for the log alone. */
  readonly noteOf: (place: string) => Warn
  readonly telemetry: Telemetry
  /**
   * Closes all parts, the audit log last, because the others may still write to it. Each gets `milliseconds`, so that one that hangs does
   * not keep the log from being closed. Throws the first error, including those in `ended`. A second call waits for the first.
   */
  close(ended: readonly PromiseSettledResult<void>[], milliseconds: number): Promise<void>
}

const TIERS = { openVault: 'all', openFormTier: 'form', openToolTier: 'tool' } as const
const OPEN_DEADLINE = 30_000
const FAILED = { type: 'backend.error', outcome: 'error' } as const
const RECOVERED = { type: 'backend.recovered', outcome: 'success' } as const

/** Opens the parts. Refuses to start if keys, identity, URL, store or cryptography are unsafe or unclear. */
export async function openParts<S extends SealPurpose, M extends MacPurpose>(
  options: PartsOptions,
  { caller, purposes }: Opening<S, M>,
): Promise<OpenedParts<S, M>> {
  const { backend } = options
  const warnOf = (place: string) => warningsOf(options, place)
  const telemetry = createTelemetry(backend.name, options.telemetry)
  const serverBaseUrl = checkServerBaseUrl(options.serverBaseUrl, `${caller}.serverBaseUrl`)
  refuseUnverifiedTls()
  await sodiumReady()
  const opened = await openIdentity(options.identity, { serverBaseUrl, caller, warn: warnOf('identity') })
  const { verifyToken } = options
  const identity = verifyToken ? { ...opened, verifyToken, noAccessToken: undefined } : opened
  const storeOfRequests = pendingStoreWithTranslatedErrors(options.pendingStore ?? memoryPendingStore())
  const audit = auditWithTranslatedErrors(
    options.audit ?? jsonLinesAudit({ folder: './data/audit', warn: warnOf('audit') }),
  )
  const createdKeys: string[] = []
  const keyConfigured = createKeyUses()
  const pending = openedTogether(options, storeOfRequests)
  await orClose([pending], async () => {
    await withDeadline(storeOfRequests.name, OPEN_DEADLINE, () => pending.open())
    await withDeadline(backend.name, OPEN_DEADLINE, () =>
      backend.open({ keyCreated: (keyId) => void createdKeys.push(keyId), keyConfigured }),
    )
  })
  const { sealer, requestSealer, limitSealer, changeSealer, stopWatchingKeys } = await orClose(
    [backend, audit, pending],
    async () => {
      const webKeys = findWebKeys({
        caller,
        text: options.webKey,
        accepted: options.acceptedWebKeys,
        backend,
        pendingStore: storeOfRequests,
        warn: warnOf('keys'),
        onFound: keyConfigured,
      })
      await audit.open?.(backend.deriveKey?.('audit'), keyConfigured, TIERS[caller])
      return {
        stopWatchingKeys: await watchWebKeys(storeOfRequests, webKeys, warnOf('keys')),
        sealer: createSealer(webKeys, purposes),
        requestSealer: createSealer(webKeys, PENDING_REQUEST_PURPOSES),
        limitSealer: createSealer(webKeys, LIMIT_PURPOSES),
        changeSealer: createSealer(webKeys, CHANGE_PURPOSES),
      }
    },
  )
  let closing: Promise<void> | undefined
  // A call that is cut off by the end finds closed parts, which is no problem of theirs.
  const warnOfHealth = (message: string, advice?: string) =>
    closing ? undefined : warnOf('health')(advice === undefined ? message : `${message}. ${advice}`)
  const health = createHealth(warnOfHealth, (part, problem) => {
    // The log reports its own failures, and a leak between users has its own line.
    if (part === 'audit' || part === 'calls') return
    const event = problem === undefined ? RECOVERED : { ...FAILED, reason: problem }
    const name = part === 'backend' ? backend.name : part
    void journal.note({ ...event, backend: name, correlationId: newCorrelationId() })
  })
  const pendingStore = watchedPendingStore(storeOfRequests, health)
  const events = createEventListeners(warnOf('events'))
  const journal: Journal = createJournal({
    audit: telemetry.watchAudit(audit),
    health,
    warn: warnOf('audit'),
    observe(line) {
      telemetry.observe(line)
      events.observe(line)
    },
  })
  const watching = { close: stopWatchingKeys }
  await orClose([backend, audit, watching, pending], async () => {
    for (const keyId of createdKeys) {
      const event = { type: 'key.created', outcome: 'success', version: keyId, backend: backend.name } as const
      await journal.grant({ ...event, correlationId: newCorrelationId() })
    }
    await backend.announceServer?.(serverBaseUrl.href, (other) => {
      if (!pendingStore.shared) warnOf('server')(secondServer(other))
    })
  })
  const changes = createSharedChanges(options.changeFeed, changeSealer)
  const calls = createBackendCalls({ name: backend.name, health, warn: warnOf('backend') })
  telemetry.report({ breakerIsOpen: calls.breakerIsOpen, backlog: journal.backlog, problems: health.problems })
  return {
    serverBaseUrl,
    identity,
    sealer,
    health,
    journal,
    events,
    pendingStore,
    backend,
    drain: createDrain(),
    pendingRequests: createPendingRequests({
      store: pendingStore,
      sealer: requestSealer,
      linkTtlSeconds: options.linkTtlSeconds,
      waitObserver: telemetry.waits,
    }),
    countUse: createSharedLimits(pendingStore, limitSealer),
    calls,
    log: createAccessLog(journal, backend.name),
    marks: createRejectionMarks({ backend: telemetry.watchBackend(backend), calls, warn: warnOf('rejections') }),
    changes,
    warnOf,
    noteOf: (place) => notesOf(options, place),
    telemetry,
    close(ended, milliseconds) {
      telemetry.close()
      // That this process no longer uses its web key is noted in the store, which must be open for it.
      closing ??= closeEach([[changes, watching], [pending, backend], [journal], [audit]], ended, milliseconds)
      return closing
    },
  }
}

/** The stores that replicas share, which are opened and closed together. */
function openedTogether({ browserSessions, changeFeed }: PartsOptions, pendingStore: PendingStore) {
  const parts = [
    { close: () => pendingStore.shutdown() },
    { close: async () => browserSessions?.close?.() },
    { close: async () => changeFeed?.close() },
  ]
  return {
    async open() {
      await pendingStore.open?.()
      await browserSessions?.open?.()
      await changeFeed?.open?.()
    },
    close: () => closeEach([parts], [], OPEN_DEADLINE),
  }
}

function refuseUnverifiedTls(): void {
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return
  throw new CredentialVaultError(
    'configuration_invalid',
    'NODE_TLS_REJECT_UNAUTHORIZED=0 disables every certificate check in this process. Unset it, and name your own certificate authority in NODE_EXTRA_CA_CERTS.',
    { reason: 'tls_unverified' },
  )
}
