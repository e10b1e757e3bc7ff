import { equalText, type Sealer } from '../../core/crypto/seal.ts'

/** The hidden field that carries the token. No variable can have this name, since it contains a hyphen. */
export const CSRF_FIELD = 'csrf-token'

type CsrfSealer = Pick<Sealer<never, 'csrf'>, 'mac' | 'macs'>

/**
 * Returns the token of one form, bound to the browser session and to the form's purpose (a link's handle or `sign-out`), so that it is
 * worthless for another link or session.
 */
export function csrfToken(sealer: CsrfSealer, sessionId: string, purpose: string): string {
  return sealer.mac('csrf', sessionId, purpose).toString('base64url')
}

/** Whether the token was made with one of the web keys. All are compared, so that the time does not tell which one fits. */
export function csrfTokenMatches(sealer: CsrfSealer, sessionId: string, purpose: string, given: unknown): boolean {
  if (typeof given !== 'string') return false
  const tokens = sealer.macs('csrf', sessionId, purpose)
  return tokens.filter((token) => equalText(token.toString('base64url'), given)).length > 0
}
