import type { Message } from './protocol.ts'

/** What somebody finds who looks: `absent`, `revoked`, or `active:` and the value. */
export type Found = string

interface Operation {
  readonly subject: string
  readonly leaves: Found
  readonly began: number
  /** When it was acknowledged, or when its process was gone: later than that it cannot take effect. */
  ended: number
  acknowledged: boolean
}

interface Reading {
  readonly id: string
  readonly subject: string
  readonly began: number
  readonly ended: number
  readonly seen: Found
}

/**
 * What was done to the credentials of one store, by processes that are gone. A state may be found when an operation left it that no
 * acknowledged one followed; one that was in flight may have taken effect or not.
 */
export interface History {
  add(messages: readonly Message[], goneAt: number): void
  subjects(): readonly string[]
  /** The states that a credential may be in now. */
  allowed(subject: string): ReadonlySet<Found>
  /** Reads, acknowledged since the last call, that saw a state which was not there any more or not yet. */
  wrongReads(): readonly string[]
}

export function createHistory(): History {
  const operations = new Map<string, Operation[]>()
  let readings: Reading[] = []
  const of = (subject: string): readonly Operation[] => operations.get(subject) ?? []

  function allowedDuring(subject: string, began: number, ended: number): ReadonlySet<Found> {
    const possible = of(subject).filter((operation) => operation.began <= ended)
    const past = possible.filter((operation) => operation.acknowledged && operation.ended < began)
    const latest = past.reduce((time, operation) => Math.max(time, operation.began), -1)
    const states = possible.filter((operation) => operation.ended >= latest).map(({ leaves }) => leaves)
    return new Set(past.length === 0 ? ['absent', ...states] : states)
  }

  return {
    add(messages, goneAt) {
      const begun = new Map<string, Operation>()
      const readsBegun = new Map<string, number>()
      for (const { kind, id, subject, step, at, detail } of messages) {
        if (step === 'read') {
          if (kind === '+') readsBegun.set(id, at)
          else readings.push({ id, subject, began: readsBegun.get(id) ?? at, ended: at, seen: detail })
        } else if (kind === '+') {
          const leaves = step === 'save' ? `active:${detail}` : step === 'revoke' ? 'revoked' : 'absent'
          begun.set(id, { subject, leaves, began: at, ended: goneAt, acknowledged: false })
        } else if (detail === 'no') {
          begun.delete(id)
        } else {
          const operation = begun.get(id)
          if (!operation) throw new Error(`${id} was acknowledged before it began`)
          Object.assign(operation, { ended: at, acknowledged: true })
        }
      }
      for (const operation of begun.values()) operations.set(operation.subject, [...of(operation.subject), operation])
    },

    subjects: () => [...operations.keys()],
    allowed: (subject) => {
      const now = Number(process.hrtime.bigint())
      return allowedDuring(subject, now, now)
    },

    wrongReads() {
      const wrong = readings.filter(
        ({ subject, began, ended, seen }) => !allowedDuring(subject, began, ended).has(seen),
      )
      readings = []
      return wrong.map(({ id, subject, seen }) => `read ${id} of ${subject} saw ${seen}`)
    },
  }
}
