import { CredentialVaultError, isVaultError } from '../../core/model/errors.ts'
import { checkFormValues, type FieldProblem } from '../../core/model/form-values.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import type { Claim } from '../../core/requests/pending-requests.ts'
import { CSRF_FIELD } from '../http/csrf.ts'
import { type LinkTarget, linkPath } from '../http/site.ts'
import { acceptPost, rejected } from '../visit/posted-form.ts'
import { about, answer, type Desk, seeOther, type Visit, watched } from '../visit/visit.ts'
import { type Admission, aboutLink, admit } from './admission.ts'
import { answerSaved } from './entry-route.ts'
import { answerForm } from './form-page.ts'
import { answerLost, ownFields } from './own-form.ts'
import { saveFailure } from './save-failure.ts'
import { answerUnverified } from './unverified.ts'

/**
 * The one request that saves. The body is read only for the link's owner; the link is claimed only for values that are worth saving;
 * of several submits at once one saves.
 */
export async function submit(desk: Desk, visit: Visit, target: LinkTarget): Promise<void> {
  if (!(await acceptPost(desk, visit))) return
  const admission = await admit(desk, visit, target, 401)
  if (!admission) return
  const fields = await ownFields(desk, visit, admission)
  if (!fields) return
  const values = await checkedValues(desk, visit, admission, fields)
  if (!values) return
  const claim = await watched(desk, 'pending-store', desk.parts.pendingRequests.claim(admission.request))
  if (!claim) return answerLost(desk, visit, admission)
  if (!(await saved(desk, visit, admission, { claim, values, fields }))) return
  await acknowledge(desk, visit, admission)
}

async function checkedValues(
  desk: Desk,
  visit: Visit,
  admission: Admission,
  fields: ReadonlyMap<string, string>,
): Promise<CredentialValues | undefined> {
  const { provider } = admission
  const link = aboutLink(desk, admission)
  const known = new Set([CSRF_FIELD, ...provider.variables.map(({ name }) => name)])
  if ([...fields.keys()].some((name) => !known.has(name))) {
    await rejected(desk, visit, 'unknown_field', link)
    answer(visit.ctx, desk.renderer.message(desk.messages.malformedForm()))
    return undefined
  }
  const check = checkFormValues(provider.variables, fields)
  const problems = check.ok ? (provider.fieldProblems?.(check.values) ?? NO_PROBLEMS) : check.problems
  if (!check.ok || problems.size > 0) {
    await rejected(desk, visit, 'invalid', link)
    answerInvalid(desk, visit, admission, fields, problems, !check.ok && check.tooLarge)
    return undefined
  }
  return (await verified(desk, visit, admission, check.values, fields)) ? check.values : undefined
}

const NO_PROBLEMS: ReadonlyMap<string, FieldProblem> = new Map()

function answerInvalid(
  desk: Desk,
  visit: Visit,
  admission: Admission,
  values: ReadonlyMap<string, string>,
  fields: ReadonlyMap<string, FieldProblem>,
  tooLarge = false,
): void {
  const general = tooLarge ? { general: 'Together, the fields are too long to be kept. Shorten them.' } : {}
  answerForm(desk, visit, admission, { status: 422, heading: 'There is a problem', values, fields, ...general })
}

/** Asks the service itself, when the operator has said how. */
async function verified(
  desk: Desk,
  visit: Visit,
  admission: Admission,
  values: CredentialValues,
  fields: ReadonlyMap<string, string>,
): Promise<boolean> {
  const { provider } = admission
  if (!provider.verify) return true
  const line = { ...aboutLink(desk, admission), ...about(visit) }
  const verification = await provider.verify(values)
  if (verification.ok === 'unknown') {
    await answerUnverified(desk, visit, admission, fields, verification)
    return false
  }
  if (!verification.ok) {
    await desk.journal.note({ type: 'credential.verification_failed', outcome: 'failure', reason: 'refused', ...line })
    answerForm(desk, visit, admission, {
      status: 422,
      heading: `${provider.label} does not accept this`,
      values: fields,
      general: verification.problem,
    })
    return false
  }
  await desk.journal.note({ type: 'credential.verified', outcome: 'success', ...line })
  rememberAccount(desk, visit, admission, verification.accountName)
  return true
}

const MAX_ACCOUNT_NAME = 100

/** For the success page, which may be served by another replica. */
function rememberAccount(
  { parts, sessions }: Desk,
  { ctx }: Visit,
  { session, request }: Admission,
  account: string | undefined,
): void {
  if (account === undefined || account === '') return
  const connected = { request: parts.pendingRequests.label(request), account: account.slice(0, MAX_ACCOUNT_NAME) }
  sessions.keep(ctx, { ...session, connected })
}

/** Saves, or gives the link back and shows the form again. */
async function saved(
  desk: Desk,
  visit: Visit,
  admission: Admission,
  { claim, values, fields }: { claim: Claim; values: CredentialValues; fields: ReadonlyMap<string, string> },
): Promise<boolean> {
  const { provider } = admission
  try {
    const { owner, provider: _name, ...context } = aboutLink(desk, admission)
    await provider.save(owner, values, { ...context, ...about(visit) }, () => mayWrite(desk, admission, claim))
    return true
  } catch (error) {
    // The claim lapses by itself when the store does not answer.
    await watched(desk, 'pending-store', desk.parts.pendingRequests.unclaim(claim)).catch(() => {})
    if (!isVaultError(error)) throw error
    if (error.reason === SESSION_ENDED) {
      answer(visit.ctx, desk.renderer.message(desk.messages.signIn(admission.target, 401)))
      return false
    }
    const { heading, text } = saveFailure(error, visit.correlationId)
    answerForm(desk, visit, admission, { status: 503, heading, values: fields, general: text })
    return false
  }
}

const SESSION_ENDED = 'session_ended'

/**
 * `verify` and the log may take their time. Meanwhile this person's sessions may have been ended, or the claim lapsed and somebody else
 * cancelled the request or saved.
 */
async function mayWrite({ parts, sessions }: Desk, { session }: Admission, claim: Claim): Promise<void> {
  if (!(await sessions.isGood(session))) {
    throw new CredentialVaultError('conflict', 'The session was ended while it was being saved. Nothing was saved.', {
      reason: SESSION_ENDED,
    })
  }
  if (await parts.pendingRequests.renew(claim)) return
  throw new CredentialVaultError('conflict', 'The request was ended while it was being saved. Nothing was saved.', {
    reason: 'claim_lapsed',
  })
}

/** The credential is durable: whatever fails from here on, it is said so. */
async function acknowledge(desk: Desk, visit: Visit, admission: Admission): Promise<void> {
  const { pendingRequests } = desk.parts
  const closed = await watched(desk, 'pending-store', pendingRequests.close(admission.request, 'saved')).catch(
    () => false,
  )
  if (closed) return seeOther(visit.ctx, desk.site, linkPath(desk.site, 'done', admission.target))
  answerSaved(desk, visit, admission, undefined)
}
