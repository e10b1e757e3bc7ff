import type { StoredTestEnd } from '../../core/lifecycle/stored-test.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { FormProvider, VerifyFailure } from '../../core/ports/form-provider.ts'
import type { NoticeView } from '../pages/page-views.ts'
import type { Answer } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { accountAnswer } from './account-page.ts'
import { type CredentialVisit, notServed } from './account-visit.ts'
import { isPassing } from './seen-credential.ts'

/** Asks the service whether it accepts the stored credential, and shows its verdict above the list. */
export async function testCredential(
  services: PageServices,
  request: PageRequest,
  visit: CredentialVisit,
): Promise<Answer> {
  const { testStored } = services.parts
  const { provider, key } = visit
  const { verify, variables } = provider
  if (!testStored || !verify) return notServed(services, visit)
  let notice: NoticeView
  try {
    notice = noticeOf(services, request, provider, await testStored({ verify, variables }, key, lineOf(request)))
  } catch (error) {
    notice = untested(error, provider, request.correlationId)
  }
  return accountAnswer(services, request, visit, notice)
}

function noticeOf(
  services: PageServices,
  { correlationId }: PageRequest,
  { name, label }: FormProvider,
  result: StoredTestEnd,
): NoticeView {
  if (result.kind === 'works') {
    const account = result.accountName ? [`The account is ${result.accountName}.`] : []
    return { tone: 'success', heading: `${label} accepts your credential`, paragraphs: account }
  }
  if (result.kind === 'refused') {
    const paragraphs = [result.problem, AFTER[result.after] ?? '']
    return { tone: 'error', heading: `${label} does not accept your credential`, paragraphs }
  }
  const { reason, detail } = result.failure
  services.parts.warn(`${name}: verify failed: ${detail} (${reason}, correlation id ${correlationId})`, {
    provider: name,
    reason,
    correlationId,
  })
  return unanswered(label, result.failure, correlationId)
}

const AFTER: Partial<Record<Extract<StoredTestEnd, { kind: 'refused' }>['after'], string>> = {
  rejected: 'Your assistant does not use it any more. Replace it, or use it again if the service is wrong.',
  kept: 'The service rejects the credentials of many users at the moment, so yours stays in use. Test it again later.',
  replaced: 'Another one has been saved meanwhile. Test that one.',
}

function unanswered(label: string, { passing }: VerifyFailure, reference: string): NoticeView {
  return {
    tone: 'warning',
    heading: `${label} could not be asked`,
    paragraphs: [
      'The test says nothing about your credential.',
      passing ? 'Try again in a moment.' : 'If it happens again, tell the people who run this server.',
    ],
    ...(!passing && { reference }),
  }
}

/** The values could not be read, so the service was not asked. */
function untested(error: unknown, { label }: FormProvider, reference: string): NoticeView {
  if (!isCredentialVaultError(error)) throw error
  if (error.code === 'credential_malformed') {
    const heading = `Your ${label} credential is incomplete or damaged`
    return { tone: 'error', heading, paragraphs: ['It was not sent to the service. Replace it.'] }
  }
  if (error.code.startsWith('credential_')) {
    return { tone: 'neutral', heading: `There is no ${label} credential to test`, paragraphs: ['Its state is below.'] }
  }
  const heading = `Your ${label} credential could not be tested`
  if (isPassing(error)) {
    return {
      tone: 'warning',
      heading,
      paragraphs: ['It cannot be read right now. Nothing is lost; try again in a moment.'],
    }
  }
  const paragraphs = ['This server has a problem with its credential store. Tell the people who run it.']
  return { tone: 'error', heading, paragraphs, reference }
}

/** Puts a credential that its service rejected back in use. */
export async function reinstate(services: PageServices, request: PageRequest, visit: CredentialVisit): Promise<Answer> {
  const { label } = visit.provider
  const isDone = await services.parts.owned.reinstate(visit.key, lineOf(request))
  const notice: NoticeView = isDone
    ? {
        tone: 'success',
        heading: `Your ${label} credential is in use again`,
        paragraphs: [`If ${label} rejects it once more, your assistant stops using it again.`],
      }
    : {
        tone: 'neutral',
        heading: 'There is nothing to undo',
        paragraphs: [`The state of your ${label} credential has changed meanwhile. It is below.`],
      }
  return accountAnswer(services, request, visit, notice)
}
