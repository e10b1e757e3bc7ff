import { randomUUID } from 'node:crypto'

/** A new random UUID that joins the audit lines and the messages of one piece of work. */
export function newCorrelationId(): string {
  return randomUUID()
}
