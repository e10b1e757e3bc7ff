import type { Message } from '../upstream/message.ts'

/** The log levels that the sessions of one child want. The child has one: the most talkative of them. */
export interface LogLevels {
  /** Returns whether the child has to be told. */
  set(sessionId: string, level: unknown): boolean
  /** Whether a session wants the message, if it is one of the log. */
  wants(sessionId: string, message: Message): boolean
  forget(sessionId: string): void
}

/** RFC 5424, from the most talkative. */
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

export function createLogLevels(): LogLevels {
  const wanted = new Map<string, number>()
  let atChild: number | undefined
  return {
    set(sessionId, level) {
      const rank = LEVELS.indexOf(String(level))
      // The child answers with its own error.
      if (rank === -1) return true
      wanted.set(sessionId, rank)
      if (atChild !== undefined && atChild <= rank) return false
      atChild = rank
      return true
    },

    wants(sessionId, { method, params }) {
      if (method !== 'notifications/message') return true
      const rank = LEVELS.indexOf(String(params?.['level']))
      const least = wanted.get(sessionId)
      return least === undefined || rank === -1 || rank >= least
    },

    forget: (sessionId) => void wanted.delete(sessionId),
  }
}
