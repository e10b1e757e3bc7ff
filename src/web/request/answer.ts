import type { AuditEvent } from '../../core/ports/audit-sink.ts'
import type { Site } from '../http/site.ts'
import type { Page } from '../pages/page-renderer.ts'
import type { PageServices } from './page-services.ts'

/** 303, so that the browser never repeats a POST there (RFC 9700 §4.12). Within our own origin only. */
export interface SeeOther {
  readonly status: 303
  readonly location: string
}

/** An audit line without what the request itself tells. */
export type PageEvent = Omit<AuditEvent, 'address' | 'correlationId'>

/** What a handler answers with. `respond` sends it, and nothing else does. */
export interface Answer {
  readonly page: Page | SeeOther
  /** How it ended, written before the answer is sent. */
  readonly event?: PageEvent
  /** The same, and the answer does not wait for it: its delay would tell something. */
  readonly eventBeside?: PageEvent
  /** Whole lines of `Set-Cookie`. */
  readonly cookies?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** For the application's error listener: what the user can do nothing about. */
  readonly problem?: string
}

/** Tells a handler's answer from what a check lets pass. */
export function isAnswer(found: object): found is Answer {
  return 'page' in found
}

export function seeOther(site: Site, path: string): SeeOther {
  return { status: 303, location: site.origin + path }
}

export function rateLimited({ renderer, messages }: PageServices, seconds: number): Answer {
  return { page: renderer.message(messages.rateLimited(seconds)), headers: { 'Retry-After': String(seconds) } }
}
