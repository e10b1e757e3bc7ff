import { equalText, type Sealer } from '../../core/crypto/seal.ts'

/** The hidden field that carries the token. No variable can have this name, since it contains a hyphen. */
export const CSRF_FIELD = 'csrf-token'

type CsrfSealer = Pick<Sealer<never, 'csrf'>, 'mac'>

/**
 * Returns the token of one form, bound to the browser session and to the form's purpose (a link's handle or `sign-out`), so that it is
 * worthless for another link or session.
 */
export function csrfToken(sealer: CsrfSealer, sessionId: string, purpose: string): string {
  return sealer.mac('csrf', sessionId, purpose).toString('base64url')
}

export function csrfTokenMatches(sealer: CsrfSealer, sessionId: string, purpose: string, given: unknown): boolean {
  return typeof given === 'string' && equalText(csrfToken(sealer, sessionId, purpose), given)
}
