import { allDone } from '../../core/host/all-done.ts'
import type { KeptValues } from '../../core/lifecycle/completion.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { earliest } from '../../core/model/expiry.ts'
import { storageKey } from '../../core/model/storage-key.ts'
import type { Claim } from '../../core/requests/pending-requests.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import { linkPath } from '../http/site.ts'
import { type Answer, isAnswer, seeOther } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { type AuthorizedLink, aboutLink } from './authorized-link.ts'
import { type CheckedValues, checkedValues } from './checked-values.ts'
import { savedAnswer } from './done-route.ts'
import { nothingKept, saveFailure } from './failure-answers.ts'
import { formPage } from './form-page.ts'
import { lostAnswer, ownerFields } from './owner-fields.ts'
import { type AskedFields, isStillKept, withKeptValues } from './partial-form.ts'

/**
 * Saves the credential. The body is read only for the link's owner, and the link is claimed only for values that passed every check. Of
 * several submits at once, one saves.
 */
export async function submit(services: PageServices, request: PageRequest, whole: AuthorizedLink): Promise<Answer> {
  const sent = await ownerFields(services, request, whole)
  if (isAnswer(sent)) return sent
  const { fields, isPartial } = sent
  let asked: AskedFields | undefined = { authorized: whole }
  try {
    if (isPartial) asked = await withKeptValues(services, request, whole)
  } catch (error) {
    // The whole form would not keep what this one keeps, and it can be sent again after the outage.
    if (isCredentialVaultError(error, 'unavailable', 'audit_unavailable')) throw error
    return notSaved(services, request, whole, { error, fields })
  }
  if (!asked) return nothingKept(services, whole, fields)
  const { authorized, kept } = asked
  const checked = await checkedValues(services, request, authorized, fields)
  if (isAnswer(checked)) return checked
  // Before the save: nothing after it may fail without its user being told of the save.
  const cookies = accountCookie(services, authorized, checked.labels.accountName)
  const claim = await services.parts.pendingRequests.claim(authorized.request)
  if (!claim) return lostAnswer(services, request, authorized)
  let closing: Promise<boolean> | undefined
  const close = () => {
    // The credential is saved, so every answer from here on says so, even if closing the request fails.
    closing ??= services.parts.pendingRequests.close(authorized.request, 'saved').catch(() => false)
    return closing
  }
  try {
    await save(services, request, authorized, { claim, checked, kept, whole, close })
  } catch (error) {
    // The claim lapses by itself when the store does not answer.
    await services.parts.pendingRequests.unclaim(claim).catch(() => {})
    return notSaved(services, request, authorized, { error, fields })
  }
  return { ...acknowledge(services, authorized, await close()), cookies }
}

interface Saved {
  readonly claim: Claim
  readonly checked: CheckedValues
  readonly kept: KeptValues | undefined
  /** The link with everything that its provider asks for. */
  readonly whole: AuthorizedLink
  /** Ends the request and wakes the calls. */
  readonly close: () => Promise<unknown>
}

async function save(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
  { claim, checked, kept, whole, close }: Saved,
): Promise<void> {
  const { owner, provider, ...context } = aboutLink(services, authorized)
  const isShared = services.parts.pendingRequests.outliveProcess
  await services.parts.writer.save(
    storageKey(provider, owner),
    { ...kept?.values, ...checked.values },
    { ...context, ...lineOf(request), trace: requestTrace({ headers: request.ctx.req.headers }) },
    {
      labels: labelsWith(kept, checked.labels),
      async mayWrite() {
        await mayWrite(services, authorized, claim)
        if (kept && !(await isStillKept(services, request, whole))) throw changedMeanwhile()
      },
      // An offboarding waits for the saves of its own process only.
      mayKeep: isShared ? () => mayKeep(services, authorized, claim) : undefined,
      onKept: close,
      // A shared store may lose a claim, e.g. in a fail-over. Then the backend decides which of two submits saves.
      expect: kept ? { version: kept.version.ref } : isShared ? 'found' : 'any',
    },
  )
}

/** A field that is added does not lengthen the life of those that are kept. */
function labelsWith(kept: KeptValues | undefined, typed: CheckedValues['labels']): CheckedValues['labels'] {
  if (!kept) return typed
  const { accountName, expiresAt } = kept.labels
  const end = earliest(expiresAt, typed.expiresAt)
  return { ...(accountName && { accountName }), ...typed, ...(end && { expiresAt: end }) }
}

const SESSION_ENDED = 'session_ended'
const CLAIM_LAPSED = 'claim_lapsed'

/**
 * `verify` and the log may take long. Meanwhile the user's sessions may have ended, or the claim may have lapsed and another request
 * cancelled or saved.
 */
async function mayWrite({ parts, sessions }: PageServices, { session }: AuthorizedLink, claim: Claim): Promise<void> {
  // The link is given back after a failure, and a renewal that arrives later would claim it again, for nobody.
  const [isGood, isHeld] = await allDone([sessions.isGood(session), parts.pendingRequests.renew(claim)])
  if (!isGood) {
    throw new CredentialVaultError('conflict', 'The session was ended while it was being saved. Nothing was saved.', {
      reason: SESSION_ENDED,
    })
  }
  if (isHeld) return
  throw new CredentialVaultError('conflict', 'The request was ended while it was being saved. Nothing was saved.', {
    reason: CLAIM_LAPSED,
  })
}

/** The write may take long as well. A call that waits for the credential may have found it by now, and ended the request as saved. */
async function mayKeep(services: PageServices, authorized: AuthorizedLink, claim: Claim): Promise<void> {
  try {
    await mayWrite(services, authorized, claim)
  } catch (error) {
    if (!isCredentialVaultError(error, 'conflict') || error.reason !== CLAIM_LAPSED) throw error
    const found = await services.parts.pendingRequests.find(authorized.request.handle)
    if (found?.state !== 'saved') throw error
  }
}

function changedMeanwhile(): CredentialVaultError {
  return new CredentialVaultError(
    'conflict',
    'The stored credential was changed while it was being saved. Nothing was saved.',
  )
}

/** Shows the form again, with the link open. */
function notSaved(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
  { error, fields }: { error: unknown; fields: ReadonlyMap<string, string> },
): Answer {
  if (!isCredentialVaultError(error)) throw error
  if (error.reason === SESSION_ENDED) {
    return { page: services.renderer.message(services.messages.signIn(authorized.target, 401)) }
  }
  const { heading, text } = saveFailure(error, request.correlationId)
  return { page: formPage(services, authorized, { status: 503, heading, values: fields, general: text }) }
}

/** @param closed whether this submit has ended the request, which the success page then shows */
function acknowledge(services: PageServices, authorized: AuthorizedLink, closed: boolean): Answer {
  const { parts, site } = services
  // The success page may have nobody left to serve it.
  if (closed && !parts.drain.begun) return { page: seeOther(site, linkPath(site, 'done', authorized.target)) }
  return savedAnswer(services, authorized, undefined)
}

/** Keeps the account's name for the success page, which another replica may serve. */
function accountCookie(
  { parts, sessions }: PageServices,
  { session, request }: AuthorizedLink,
  account: string | undefined,
): readonly string[] {
  if (account === undefined) return []
  const connected = { request: parts.pendingRequests.label(request), account }
  return [sessions.cookieOf({ ...session, connected })]
}
