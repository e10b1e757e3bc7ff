import type { RequestCause } from '../model/credential-state.ts'
import type { CredentialVaultError } from '../model/errors.ts'
import { lastDayOf } from '../model/expiry.ts'
import type { CredentialRequest } from './gated-provider.ts'

/**
 * What the user or the model reads when a call does not run. Absent, revoked, forbidden and unavailable have different
 * texts. A text contains only fixed words, the service's name and the link.
 */
export const gateTexts = {
  ask: (label: string, cause: RequestCause): string => ASK[cause](label),

  openLink: (label: string, cause: RequestCause, { url, hasLogin }: FormLink): string =>
    `${gateTexts.ask(label, cause)} ${hasLogin ? 'Open this link in a browser, sign in,' : OPEN_HERE} and then call the tool again: ${url}`,

  stillWaiting: (label: string, url: string): string =>
    `The ${label} credential has not been entered yet. The link still works: ${url} Enter it there, then call the tool again.`,

  stopping: (label: string, { url, outlivesProcess }: Pick<CredentialRequest, 'url' | 'outlivesProcess'>): string =>
    outlivesProcess
      ? `This server is restarting, so the call no longer waits for your ${label} credential. The link still works: ${url} Enter it there, then call the tool again.`
      : `This server is restarting, so the call no longer waits for your ${label} credential, and its link has ended. Call the tool again in a moment for a new link.`,

  stopped: (): string =>
    'This server is restarting, so the tool did not run and nothing was changed. Call it again in a moment.',

  declined: (label: string): string =>
    `You declined to enter a ${label} credential, so the tool did not run. Call it again to be asked again.`,

  dismissed: (label: string, url: string): string =>
    `The request for your ${label} credential was closed, so the tool did not run. The link still works: ${url} Call the tool again once you have entered it.`,

  cancelled: (label: string): string =>
    `Entering the ${label} credential was cancelled on the form, so the tool did not run. Call it again for a new link.`,

  expired: (label: string): string =>
    `The link for your ${label} credential has expired, so the tool did not run. Call it again for a new link.`,

  unknownOwner: (): string =>
    'This tool needs to know who is calling, and this request carries no verified user. Connect to this server with an access token.',

  unavailable: (label: string, error?: CredentialVaultError): string =>
    error?.retryAfterSeconds === undefined
      ? `Your ${label} credential cannot be reached right now (${codeOf(error)}). It has not been lost; try again later.`
      : `The store of your ${label} credential is busy (${codeOf(error)}). It has not been lost; try again in ${Math.ceil(error.retryAfterSeconds)} seconds.`,

  requestsUnavailable: (label: string, error?: CredentialVaultError): string =>
    `The form for your ${label} credential cannot be opened right now (${codeOf(error)}), because this server cannot use the store of its open requests. What you have stored is not affected; try again in a moment.`,

  serviceUnavailable: (label: string, error?: CredentialVaultError, correlationId?: string): string =>
    `${label} itself cannot be reached right now (${codeOf(error)}). Your credential is not the problem. ${error?.retryable === false ? `Ask the people who run this server${findable(correlationId)}.` : 'Try again later.'}`,

  malformed: (label: string, { url, hasLogin }: FormLink): string =>
    `Your stored ${label} credential is incomplete or damaged, so the tool could not finish. ${hasLogin ? 'Open this link in a browser, sign in' : OPEN_HERE} and enter it again, then call the tool again: ${url}`,

  expiresSoon: (label: string, expiresAt: Date, now: Date, url: string): string =>
    dayOf(lastDayOf(expiresAt)) === dayOf(now)
      ? `Today, ${dayOf(now)}, is the last day of your ${label} credential. Replace it now: ${url}`
      : `Your ${label} credential expires on ${dayOf(lastDayOf(expiresAt))}. Replace it before then: ${url}`,

  forbidden: (label: string, error?: CredentialVaultError, correlationId?: string): string =>
    `This server is not allowed to use your ${label} credential (${codeOf(error)}). Entering it again will not help; ask the people who run this server${findable(correlationId)}.`,

  broken: (label: string, error?: CredentialVaultError, correlationId?: string): string =>
    `Your ${label} credential cannot be used because of a problem on this server (${codeOf(error)}). Ask the people who run it${findable(correlationId)}.`,

  withheld: (labels: readonly string[]): string =>
    `The tool's result contained your ${labels.join(' and ')} secret and was withheld. None of it was passed on. Report this to the people who run the tool.`,
} as const

const ASK: Readonly<Record<RequestCause, (label: string) => string>> = {
  absent: (label) => `This tool acts in ${label} as you. Open the page to enter your own ${label} credential.`,
  revoked: (label) => `Your ${label} credential was revoked or has expired. Open the page to enter a new one.`,
  rejected: (label) =>
    `${label} rejected your stored credential, which may have expired or been deleted there. Open the page to enter a new one.`,
  expired: (label) => `Your ${label} credential has expired. Open the page to enter a new one.`,
  incomplete: (label) => `${label} needs one more field of your credential. Open the page to enter it.`,
}

type FormLink = Pick<CredentialRequest, 'url' | 'hasLogin'>

/** Local mode has no login, and no other machine reaches its form. */
const OPEN_HERE = 'Open this link in a browser on this machine, press Continue,'

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
