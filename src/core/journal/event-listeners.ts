import type { Warn } from '../host/logger.ts'
import type { AuditEvent, AuditEventType } from '../ports/audit-sink.ts'
import type { VaultEventMap, VaultEventName, VaultEvents } from '../ports/events.ts'

/** The listeners of one vault. */
export interface EventListeners extends VaultEvents {
  emit<Name extends VaultEventName>(name: Name, event: VaultEventMap[Name]): void
  /** Emits the event of an audit line, if there is one. */
  observe(line: AuditEvent): void
}

const NAMES: Partial<Record<AuditEventType, Exclude<VaultEventName, 'expiring' | 'offboarded'>>> = {
  'credential.stored': 'saved',
  'credential.rotated': 'rotated',
  'credential.rejected': 'rejected',
  'credential.reinstated': 'reinstated',
  'credential.revoked': 'revoked',
  'credential.purged': 'revoked',
}

export function createEventListeners(warn: Warn): EventListeners {
  const listeners = new Map<VaultEventName, Set<(event: never) => unknown>>()

  const listenersOf = (name: VaultEventName) => {
    const found = listeners.get(name) ?? new Set()
    listeners.set(name, found)
    return found
  }

  const events: EventListeners = {
    on(name, listener) {
      // Its own function, so that the same listener may be added twice and removed once.
      const added = (event: never) => listener(event)
      listenersOf(name).add(added)
      return () => void listenersOf(name).delete(added)
    },

    emit(name, event) {
      for (const listener of [...listenersOf(name)]) {
        const own = frozenCopy(event)
        queueMicrotask(async () => {
          try {
            await listener(own as never)
          } catch {
            // A foreign error's text may hold anything.
            const { correlationId } = event
            warn(`A listener of the event ${name} failed (correlation id ${correlationId}).`, { correlationId })
          }
        })
      }
    },

    observe({ type, outcome, reason, owner, provider, version, correlationId }) {
      const name = NAMES[type]
      if (!name || outcome !== 'success' || reason === 'nothing_to_revoke' || !owner || provider === undefined) return
      events.emit(name, { owner, provider, version, correlationId })
    },
  }
  return events
}

/** One listener must not change what another gets, nor what the caller who made the event uses afterwards. */
function frozenCopy<Event extends object>(event: Event): Event {
  return deeplyFrozen(structuredClone(event))
}

function deeplyFrozen<Part extends object>(part: Part): Part {
  for (const inner of Object.values(part)) if (typeof inner === 'object' && inner !== null) deeplyFrozen(inner)
  return Object.freeze(part)
}
