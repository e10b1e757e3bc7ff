import type { Journal } from '../../core/journal/journal.ts'
import type { ClientLoginServices } from '../client-state/client-login-services.ts'
import { csrfToken } from '../http/csrf.ts'
import type { RateLimits } from '../http/page-limits.ts'
import type { ReturnTarget, Site } from '../http/site.ts'
import type { WebParts } from '../http/web-parts.ts'
import type { Messages } from '../pages/messages.ts'
import { accountText, type PageRenderer, type Viewer } from '../pages/page-renderer.ts'
import type { LoginCookies } from '../session/login-cookie.ts'
import type { Session, Sessions } from '../session/session.ts'

/** The services that every handler uses. Created once. */
export interface PageServices {
  readonly parts: WebParts
  readonly site: Site
  readonly sessions: Sessions
  readonly logins: LoginCookies
  /** Undefined where MCP clients log in at the identity provider itself. */
  readonly clientLogin: ClientLoginServices | undefined
  readonly limits: RateLimits
  readonly journal: Journal
  readonly renderer: PageRenderer
  readonly messages: Messages
  /** Rendered guides by provider name. */
  readonly guideOf: (provider: string) => string | undefined
}

export const SIGN_OUT_PURPOSE = 'sign-out'

export function viewerOf({ parts }: PageServices, session: Session, target?: ReturnTarget): Viewer {
  return {
    session,
    account: accountText(session, parts.identity.browserLogin.nameOf?.(session.issuer)),
    signOutToken: csrfToken(parts.sealer, session.id, SIGN_OUT_PURPOSE),
    target,
  }
}
