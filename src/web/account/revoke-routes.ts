import { isCredentialVaultError } from '../../core/model/errors.ts'
import { type Answer, seeOther } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { accountAction, type CredentialVisit } from './account-visit.ts'
import { storedFacts } from './credential-facts.ts'
import { seenCredential } from './seen-credential.ts'

/** Asks before revoking. Opening the page changes nothing. */
export async function confirmRevoke(
  services: PageServices,
  request: PageRequest,
  visit: CredentialVisit,
): Promise<Answer> {
  const { site, renderer, messages } = services
  const { provider, viewer } = visit
  const seen = await seenCredential(services, request, visit)
  if (seen.state === 'absent' || seen.state === 'revoked') return { page: seeOther(site, site.root) }
  return {
    page: renderer.message(
      messages.confirmRevoke(viewer, provider, storedFacts(provider, seen), button(services, visit)),
    ),
  }
}

/** Revokes whatever version is stored. It does not wait for the audit log, and says where the token itself can be deleted. */
export async function revoke(services: PageServices, request: PageRequest, visit: CredentialVisit): Promise<Answer> {
  const { parts, renderer, messages } = services
  const { provider, key, viewer } = visit
  try {
    const found = await parts.writer.revoke(key, { purge: false }, lineOf(request))
    return {
      page: renderer.message(found ? messages.revoked(viewer, provider) : messages.nothingToRevoke(viewer, provider)),
    }
  } catch (error) {
    if (!isCredentialVaultError(error)) throw error
    const isUnknown = error.code === 'outcome_unknown'
    return {
      page: renderer.message(messages.notRevoked(viewer, button(services, visit), isUnknown, request.correlationId)),
    }
  }
}

function button(services: PageServices, visit: CredentialVisit) {
  return accountAction(services, visit, 'revoke', { label: 'Revoke', provider: visit.provider, primary: true })
}
