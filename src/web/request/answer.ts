import type { AuditEvent } from '../../core/ports/audit-sink.ts'
import type { Site } from '../http/site.ts'
import type { Page } from '../pages/page-renderer.ts'
import type { PageServices } from './page-services.ts'

/** A redirect within our own origin. Its status is 303, so that the browser never repeats a POST there (RFC 9700 §4.12). */
export interface SeeOther {
  readonly status: 303
  readonly location: string
}

/** An audit line without the fields that the request supplies. */
export type PageEvent = Omit<AuditEvent, 'address' | 'correlationId'>

/** A handler's answer. `respond` sends it. */
export interface Answer {
  readonly page: Page | SeeOther
  /** The outcome, written before the answer is sent. */
  readonly event?: PageEvent
  /** Work that the answer does not wait for, because the delay would reveal something. It never rejects. */
  readonly beside?: () => Promise<void>
  /** Whole lines of `Set-Cookie`. */
  readonly cookies?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** For the application's error listener: a problem that the user cannot solve. */
  readonly problem?: string
}

/** Whether a check returned an answer instead of its result. */
export function isAnswer(found: object): found is Answer {
  return 'page' in found
}

export function seeOther(site: Site, path: string): SeeOther {
  return { status: 303, location: site.origin + path }
}

export function rateLimited({ renderer, messages }: PageServices, seconds: number): Answer {
  return { page: renderer.message(messages.rateLimited(seconds)), headers: { 'Retry-After': String(seconds) } }
}
