import type { RequestCause } from '../model/credential-state.ts'
import type { CredentialVaultError } from '../model/errors.ts'
import { lastDayOf } from '../model/expiry.ts'
import type { CredentialRequest } from './gated-provider.ts'

/**
 * What the user or the model reads when a call does not run. Absent, revoked, forbidden and unavailable have different texts. A text
 * contains only fixed words, the service's name and the link. A model relays it, so it says what happened, has at most one link, and speaks
 * of asking again, which a user does, not of calling a tool; and the same words are true of a prompt and of a resource.
 */
export const gateTexts = {
  ask: (label: string, cause: RequestCause): string =>
    `${CAUSES[cause].happened(label)} Open the page to enter ${CAUSES[cause].wanted(label)}.`,

  openLink: (label: string, cause: RequestCause, { url, hasLogin }: FormLink): string =>
    `${CAUSES[cause].happened(label)} ${openThere(hasLogin)}, enter ${CAUSES[cause].wanted(label)}, and then ask me again: ${url}`,

  stillWaiting: (label: string, url: string): string =>
    `The ${label} credential has not been entered yet. The link still works; enter the credential there, and then ask me again: ${url}`,

  stopping: (label: string, { url, outlivesProcess }: Pick<CredentialRequest, 'url' | 'outlivesProcess'>): string =>
    outlivesProcess
      ? `This server is restarting, so it no longer waits for your ${label} credential. The link still works; enter the credential there, and then ask me again: ${url}`
      : `This server is restarting, so it no longer waits for your ${label} credential, and its link has ended. Ask me again in a moment to get a new link.`,

  stopped: (): string =>
    'This server is restarting, so the request did not run and nothing was changed. Ask me again in a moment.',

  declined: (label: string): string =>
    `You declined to enter a ${label} credential, so the request was not completed. Ask me again to get a new link.`,

  dismissed: (label: string, url: string): string =>
    `The request for your ${label} credential was closed. The link still works; enter the credential there, and then ask me again: ${url}`,

  cancelled: (label: string): string =>
    `Entering the ${label} credential was cancelled on the form, so the request was not completed. Ask me again to get a new link.`,

  expired: (label: string): string =>
    `The link for your ${label} credential has expired, so the request was not completed. Ask me again to get a new link.`,

  unknownOwner: (): string =>
    'This server needs to know who is calling, and this request carries no verified user. Connect to this server with an access token.',

  unavailable: (label: string, error?: CredentialVaultError): string =>
    error?.retryAfterSeconds === undefined
      ? `Your ${label} credential cannot be reached right now (${codeOf(error)}). It has not been lost; try again later.`
      : `The store of your ${label} credential is busy (${codeOf(error)}). It has not been lost; try again in ${Math.ceil(error.retryAfterSeconds)} seconds.`,

  requestsUnavailable: (label: string, error?: CredentialVaultError): string =>
    `The form for your ${label} credential cannot be opened right now (${codeOf(error)}), because this server cannot use the store of its open requests. What you have stored is not affected; try again in a moment.`,

  serviceUnavailable: (label: string, error?: CredentialVaultError, correlationId?: string): string =>
    `${label} itself cannot be reached right now (${codeOf(error)}). Your credential is not the problem. ${error?.retryable === false ? `Ask the people who run this server${findable(correlationId)}.` : 'Try again later.'}`,

  malformed: (label: string, { url, hasLogin }: FormLink): string =>
    `Your stored ${label} credential is incomplete or damaged, so the request was not completed. ${openThere(hasLogin)}, enter the credential again, and then ask me again: ${url}`,

  expiresSoon: (label: string, expiresAt: Date, now: Date, url: string): string =>
    dayOf(lastDayOf(expiresAt)) === dayOf(now)
      ? `Today, ${dayOf(now)}, is the last day of your ${label} credential. Replace it now: ${url}`
      : `Your ${label} credential expires on ${dayOf(lastDayOf(expiresAt))}. Replace it before then: ${url}`,

  forbidden: (label: string, error?: CredentialVaultError, correlationId?: string): string =>
    `This server is not allowed to use your ${label} credential (${codeOf(error)}). Entering it again will not help; ask the people who run this server${findable(correlationId)}.`,

  broken: (label: string, error?: CredentialVaultError, correlationId?: string): string =>
    `Your ${label} credential cannot be used because of a problem on this server (${codeOf(error)}). Ask the people who run it${findable(correlationId)}.`,

  withheld: (labels: readonly string[]): string =>
    `The result contained your ${labels.join(' and ')} secret and was withheld. None of it was passed on. Report this to the people who run this server.`,
} as const

/** What happened, and what the user is to enter. */
interface CauseWords {
  readonly happened: (label: string) => string
  readonly wanted: (label: string) => string
}

const CAUSES: Readonly<Record<RequestCause, CauseWords>> = {
  absent: {
    happened: (label) => `This request acts in ${label} as you.`,
    wanted: (label) => `your own ${label} credential`,
  },
  revoked: {
    happened: (label) => `Your ${label} credential was revoked or has expired.`,
    wanted: () => 'a new one',
  },
  rejected: {
    happened: (label) => `${label} rejected your stored credential, which may have expired or been deleted there.`,
    wanted: () => 'a new one',
  },
  expired: {
    happened: (label) => `Your ${label} credential has expired.`,
    wanted: () => 'a new one',
  },
  incomplete: {
    happened: (label) => `${label} needs one more field of your credential.`,
    wanted: () => 'it',
  },
}

type FormLink = Pick<CredentialRequest, 'url' | 'hasLogin'>

/** Local mode has no login, and no other machine reaches its form. */
function openThere(hasLogin: boolean): string {
  return hasLogin
    ? 'Open this link in a browser, sign in'
    : 'Open this link in a browser on this machine, press Continue'
}

/** In UTC, `YYYY-MM-DD`. */
function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10)
}

/** The id by which the operator finds the call in the server's log and audit log. */
function findable(correlationId: string | undefined): string {
  return correlationId === undefined ? '' : `, and tell them the correlation id ${correlationId}`
}

function codeOf(error: CredentialVaultError | undefined): string {
  return error?.reason ?? error?.code ?? 'unexpected'
}
