import type { ClientLoginServices } from '../client-state/client-login-services.ts'
import type { Answer, PageEvent } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'

/** A JSON answer of an OAuth endpoint. */
export interface OAuthAnswer extends Pick<Answer, 'headers' | 'problem'> {
  readonly status: number
  readonly body: object
  /** The outcome, written before the answer is sent. */
  readonly event?: PageEvent
}

export type OAuthHandler = (
  services: PageServices,
  request: PageRequest,
  client: ClientLoginServices,
) => Promise<OAuthAnswer>

/** Returns an error in OAuth's form (RFC 6749 §5.2, RFC 7591 §3.2.2). The description never repeats what was sent. */
export function refusal(status: number, error: string, description: string): OAuthAnswer {
  return { status, body: { error, error_description: description } }
}

/** Clients keep their tokens and try again later. */
export function tryLater(seconds = 10): OAuthAnswer {
  return {
    ...refusal(503, 'temporarily_unavailable', 'Try again later.'),
    headers: { 'Retry-After': String(seconds) },
  }
}

/** Returns the answer to an address that asks too often. */
export async function oauthRateLimit(
  { limits }: PageServices,
  { address }: PageRequest,
): Promise<OAuthAnswer | undefined> {
  const wait = await limits.pages.take(address)
  if (wait === 0) return undefined
  return {
    ...refusal(429, 'temporarily_unavailable', 'Too many requests. Try again later.'),
    headers: { 'Retry-After': String(wait) },
  }
}
