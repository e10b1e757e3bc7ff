import type { CredentialValues } from '../../src/core/model/variables.ts'
import type { AuditSink } from '../../src/core/ports/audit-sink.ts'
import type { BrowserSessions } from '../../src/core/ports/browser-sessions.ts'
import type { PendingStore } from '../../src/core/ports/pending-store.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import type { Verify } from '../../src/vault/provider/provider-form.ts'

/** What goes wrong during one flow. Each stands in for the operation of its name, and throws or answers what it likes. */
export interface Faults {
  read?: () => Promise<never> | ReturnType<SecretBackend['read']>
  stat?: () => Promise<never>
  write?: (values: CredentialValues, signal: AbortSignal) => ReturnType<SecretBackend['write']>
  revoke?: () => Promise<never>
  audit?: (type: string) => Promise<void>
  verify?: Verify
  /** Before an operation of the pending store, which then goes on. */
  pending?: (operation: 'openOrReuse' | 'get' | 'claim' | 'close') => Promise<void>
  /** When a browser's session is looked up. */
  sessions?: () => Promise<never>
  /** Every link that is looked at has expired. */
  expired?: boolean
}

export function faultyBackend(backend: SecretBackend, faults: () => Faults): SecretBackend {
  return {
    ...backend,
    isCurrent: (key, version) => !faults().read && (backend.isCurrent?.(key, version) ?? true),
    read: (key, call) => faults().read?.() ?? backend.read(key, call),
    stat: (key, call) => faults().stat?.() ?? backend.stat(key, call),
    write: (key, values, intent, call) =>
      faults().write?.(values, call.signal) ?? backend.write(key, values, intent, call),
    revoke: (key, intent, call) => faults().revoke?.() ?? backend.revoke(key, intent, call),
  }
}

export function faultyAudit(audit: AuditSink, faults: () => Faults): AuditSink {
  return {
    ...audit,
    async append(event) {
      await faults().audit?.(event.type)
      return audit.append(event)
    },
  }
}

export function faultySessions(sessions: BrowserSessions, faults: () => Faults): BrowserSessions {
  return { ...sessions, isEnded: (session) => faults().sessions?.() ?? sessions.isEnded(session) }
}

/** Also shows every entry that goes in or out to `seen`: that is what a dump of the store holds. */
export function watchedPendingStore(
  store: PendingStore,
  faults: () => Faults,
  seen: (entry: unknown) => void,
): PendingStore {
  return {
    ...store,
    async openOrReuse(entry) {
      await faults().pending?.('openOrReuse')
      seen(entry)
      return store.openOrReuse(entry)
    },
    async get(key) {
      await faults().pending?.('get')
      const entry = await store.get(key)
      if (entry) seen(entry)
      return entry && faults().expired ? { ...entry, expiresAt: 0 } : entry
    },
    async claim(key, claimId, until) {
      await faults().pending?.('claim')
      seen([key, claimId])
      return store.claim(key, claimId, until)
    },
    async close(...given) {
      await faults().pending?.('close')
      return store.close(...given)
    },
    async listen(topic, onWake) {
      seen(topic)
      return store.listen(topic, onWake)
    },
  }
}
