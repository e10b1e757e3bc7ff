import { createCredentialAdmin } from '../core/credentials/credential-admin.ts'
import { checkOwner, type Owner } from '../core/model/owner.ts'
import {
  createOffboarding,
  type Offboard,
  type Offboarded,
  type OffboardingChoices,
} from '../core/operations/offboarding.ts'
import type { SecretBackend } from '../core/ports/secret-backend.ts'
import { type OpenedFormTier, unknownOperator } from './form-tier.ts'
import type { OpenedParts } from './open-parts.ts'
import type { ToolTier } from './tool-tier.ts'

export interface OpenedOffboarding {
  /** For callers that know who asks for it. */
  readonly offboard: Offboard
  /** For code that embeds the vault. */
  readonly byEmbedder: (owner: Owner, choices?: OffboardingChoices) => Promise<Offboarded>
}

/** Opens the one offboarding that the admin API, SCIM and `vault.offboard` share. It needs both tiers. */
export function openOffboarding(
  { calls, log, journal, events, pendingRequests: requests }: OpenedParts<never, never>,
  {
    backend,
    form,
    tools,
  }: { readonly backend: SecretBackend; readonly form: OpenedFormTier; readonly tools: ToolTier },
): OpenedOffboarding {
  const { reader, cutoff } = tools.services
  const { endSessions, saves, providerNames: providers, revoke } = form
  const credentials = { ...createCredentialAdmin({ backend, calls, log, changed: reader.forget }), revoke }
  const offboard = createOffboarding({
    credentials,
    endSessions,
    requests,
    saves,
    cutoff,
    providers,
    journal,
    events,
  })
  return {
    offboard,

    async byEmbedder(owner, choices = {}) {
      const { issuer, subject } = checkOwner(owner)
      return offboard({ issuer, subject }, choices, unknownOperator())
    },
  }
}
