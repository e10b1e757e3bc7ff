import type { z } from 'zod'
import { jsonLinesAudit } from '../audit/json-lines.ts'
import { type AccessLog, createAccessLog } from '../core/credentials/access-log.ts'
import { type BackendCalls, createBackendCalls } from '../core/credentials/backend-calls.ts'
import { createSealer, type Sealer } from '../core/crypto/seal.ts'
import { sodiumReady } from '../core/crypto/sodium.ts'
import { warnAbout } from '../core/host/notice.ts'
import { createHealth, type Health } from '../core/journal/health.ts'
import { createJournal, type Journal } from '../core/journal/journal.ts'
import { auditWithTranslatedErrors, pendingStoreWithTranslatedErrors } from '../core/journal/translated-errors.ts'
import { newCorrelationId } from '../core/model/correlation-id.ts'
import { withDeadline } from '../core/model/deadline.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import { isLoopback } from '../core/network/loopback.ts'
import { checkServerBaseUrl, urlBelow } from '../core/network/server-base-url.ts'
import type { Identity, IdentityMode } from '../core/ports/identity.ts'
import type { SecretBackend } from '../core/ports/secret-backend.ts'
import { createPendingRequests, type PendingRequests } from '../core/requests/pending-requests.ts'
import { localUser } from '../identity/local-user.ts'
import { severalIssuers } from '../identity/several-issuers.ts'
import { memoryPendingStore } from '../pending/memory.ts'
import type { OpenVaultOptions, openVaultOptions } from './open-vault-options.ts'
import { findWebKey } from './web-key.ts'

/** What opening needs of a backend, whatever is then done with it. */
export type OpenableBackend = Pick<SecretBackend, 'name' | 'open' | 'close' | 'deriveKey' | 'announceServer'>

export type PartsOptions = Omit<OpenVaultOptions, 'backend'> & { readonly backend: OpenableBackend }

/** Parts that both tiers share. None of them reads or writes a credential. */
export interface OpenedParts {
  readonly serverBaseUrl: URL
  readonly identity: Identity
  readonly sealer: Sealer
  readonly health: Health
  readonly journal: Journal
  readonly pendingRequests: PendingRequests
  readonly calls: BackendCalls
  readonly log: AccessLog
  readonly warnOf: (place: string) => (message: string) => void
  /**
   * Closes each whatever the others do; the audit log last, since the others may still write to it. Throws the first failure, and that of
   * what was `ended` before. A second call waits for the first.
   */
  close(ended?: readonly PromiseSettledResult<void>[]): Promise<void>
}

const OPEN_DEADLINE = 30_000
const FAILED = { type: 'backend.error', outcome: 'error' } as const
const RECOVERED = { type: 'backend.recovered', outcome: 'success' } as const
const SECOND_SERVER =
  "Another server at this address uses the same store, but each keeps open requests and sessions in its own memory: neither knows the other's links. Run one process, or give each its own address."

/** Opens them, and refuses to start when anything about them is unsafe or unclear: keys, identity, URL, store, cryptography. */
export async function openParts(
  options: PartsOptions,
  checked: z.output<typeof openVaultOptions>,
): Promise<OpenedParts> {
  const { backend } = options
  const warnOf = (place: string) => options.warn ?? warnAbout(place)
  const serverBaseUrl = checkServerBaseUrl(checked.serverBaseUrl, 'openVault.serverBaseUrl')
  refuseUnverifiedTls()
  await sodiumReady()
  const identity = await openIdentity(options, serverBaseUrl, warnOf('identity'))
  const pendingStore = pendingStoreWithTranslatedErrors(options.pendingStore ?? memoryPendingStore())
  const audit = auditWithTranslatedErrors(
    options.audit ?? jsonLinesAudit({ folder: './data/audit', warn: warnOf('audit') }),
  )
  const createdKeys: string[] = []
  const pending = { close: () => pendingStore.shutdown() }
  await orClose([pending], () =>
    withDeadline(backend.name, OPEN_DEADLINE, () =>
      backend.open({ keyCreated: (keyId) => void createdKeys.push(keyId) }),
    ),
  )
  const sealer = await orClose([backend, audit, pending], async () => {
    const webKey = findWebKey({ text: options.webKey, backend, pendingStore, warn: warnOf('keys') })
    await audit.open?.(backend.deriveKey?.('audit'))
    return createSealer(webKey)
  })
  const health = createHealth(warnOf('health'), (part, problem) => {
    // The log reports its own failures, and a crossing has a line of its own.
    if (part === 'audit' || part === 'calls') return
    const event = problem === undefined ? RECOVERED : { ...FAILED, reason: problem }
    const name = part === 'backend' ? backend.name : part
    void journal.note({ ...event, backend: name, correlationId: newCorrelationId() })
  })
  const journal: Journal = createJournal({ audit, health, warn: warnOf('audit') })
  await orClose([backend, audit, pending], async () => {
    for (const keyId of createdKeys) {
      const event = { type: 'key.created', outcome: 'success', version: keyId, backend: backend.name } as const
      await journal.grant({ ...event, correlationId: newCorrelationId() })
    }
    if ((await backend.announceServer?.(serverBaseUrl.href)) && !pendingStore.shared) warnOf('server')(SECOND_SERVER)
  })
  let closing: Promise<void> | undefined
  return {
    serverBaseUrl,
    identity,
    sealer,
    health,
    journal,
    pendingRequests: createPendingRequests({ store: pendingStore, sealer, linkTtlSeconds: checked.linkTtlSeconds }),
    calls: createBackendCalls({ name: backend.name, health }),
    log: createAccessLog(journal, backend.name),
    warnOf,
    close(ended = []) {
      closing ??= closeEach([pending, backend, journal, audit], ended)
      return closing
    },
  }
}

async function closeEach(parts: readonly Closable[], ended: readonly PromiseSettledResult<void>[]): Promise<void> {
  const closed = [...ended]
  for (const part of parts) closed.push(...(await Promise.allSettled([part.close()])))
  const failed = closed.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

async function openIdentity(
  options: PartsOptions,
  serverBaseUrl: URL,
  warn: (message: string) => void,
): Promise<Identity> {
  const callbackUrl = urlBelow(serverBaseUrl, '/credentials/callback')
  const opened = await identityMode(options.identity, serverBaseUrl).open({ serverBaseUrl, callbackUrl, warn })
  return options.verifyToken ? { ...opened, verifyToken: options.verifyToken, noAccessToken: undefined } : opened
}

function identityMode(given: OpenVaultOptions['identity'], serverBaseUrl: URL): IdentityMode {
  if (Array.isArray(given)) return severalIssuers(given)
  if (given !== undefined && 'open' in given) return given
  if (given !== undefined)
    throw new CredentialVaultError(
      'configuration_invalid',
      'openVault.identity: must be oidc({ … }), an array of them, or localUser({ … })',
      { reason: 'option' },
    )
  if (isLoopback(serverBaseUrl)) return localUser()
  throw new CredentialVaultError(
    'configuration_invalid',
    'openVault.identity is required, because this server is not on loopback: users must sign in before they submit the form. ' +
      'Set oidc({ issuer, clientId }), or localUser() for one person on http://localhost.',
    { reason: 'identity_missing' },
  )
}

interface Closable {
  close(): Promise<void>
}

/** A backend that was opened has logged in, an audit log has begun, and a pending store may hold a connection: none is left so. */
async function orClose<T>(opened: readonly Closable[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await Promise.allSettled(opened.map((one) => one.close()))
    throw error
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
