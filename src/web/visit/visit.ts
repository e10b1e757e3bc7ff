import type { Context } from 'koa'
import type { HealthPart } from '../../core/journal/health.ts'
import type { Journal } from '../../core/journal/journal.ts'
import { reasonOf } from '../../core/journal/refusal-event.ts'
import type { AuditEvent } from '../../core/ports/audit-sink.ts'
import { csrfToken } from '../http/csrf.ts'
import type { RateLimits } from '../http/rate-limit.ts'
import type { LinkTarget, Site } from '../http/site.ts'
import type { WebParts } from '../http/web-parts.ts'
import type { Messages } from '../pages/messages.ts'
import { accountText, type Page, type PageRenderer, type Viewer } from '../pages/pages.ts'
import type { LoginCookies } from '../session/login-cookie.ts'
import type { Session, Sessions } from '../session/session.ts'

/** What every handler works with; made once. */
export interface Desk {
  readonly parts: WebParts
  readonly site: Site
  readonly sessions: Sessions
  readonly logins: LoginCookies
  readonly limits: RateLimits
  readonly journal: Journal
  readonly renderer: PageRenderer
  readonly messages: Messages
  /** Rendered guides by provider name. */
  readonly guideOf: (provider: string) => string | undefined
}

/** One request to the pages. */
export interface Visit {
  readonly ctx: Context
  readonly correlationId: string
  readonly address: string
}

export type Handler = (visit: Visit) => Promise<void>

export const SIGN_OUT_PURPOSE = 'sign-out'

export function answer(ctx: Context, { status, html }: Page): void {
  ctx.status = status
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = html
}

/** 303, so that the browser never repeats a POST there (RFC 9700 §4.12). Within our own origin only. */
export function seeOther(ctx: Context, site: Site, path: string): void {
  ctx.status = 303
  ctx.set('Location', site.origin + path)
  ctx.body = ''
}

export function viewerOf({ parts }: Desk, session: Session, target?: LinkTarget): Viewer {
  return {
    session,
    account: accountText(session, parts.identity.browserLogin.nameOf?.(session.issuer)),
    signOutToken: csrfToken(parts.sealer, session.id, SIGN_OUT_PURPOSE),
    target,
  }
}

/** The part of an audit line that is the same for everything in one request. */
export function about({ address, correlationId }: Visit): Pick<AuditEvent, 'address' | 'correlationId'> {
  return { address, correlationId }
}

/** Keeps health informed of a dependency whose failure only the pages may see. */
export async function watched<T>({ parts }: Desk, part: HealthPart, operation: Promise<T>): Promise<T> {
  try {
    const result = await operation
    parts.health.recovered(part)
    return result
  } catch (error) {
    parts.health.failed(part, reasonOf(error))
    throw error
  }
}
