import { z } from 'zod'
import { createCredentialAdmin } from '../core/credentials/credential-admin.ts'
import { forgetEverywhere } from '../core/lifecycle/shared-changes.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import { checkOwner, type Owner } from '../core/model/owner.ts'
import { isProviderName } from '../core/model/storage-key.ts'
import {
  createOffboarding,
  type Offboard,
  type Offboarded,
  type OffboardingChoices,
} from '../core/operations/offboarding.ts'
import type { SecretBackend } from '../core/ports/secret-backend.ts'
import type { OpenedParts } from './parts/open-parts.ts'
import { type OpenedFormTier, unknownOperator } from './tiers/form-tier.ts'
import type { ToolTier } from './tiers/tool-tier.ts'

export interface OpenedOffboarding {
  /** For callers that know who asks for it. */
  readonly offboard: Offboard
  /** For code that embeds the vault. */
  readonly byEmbedder: (owner: Owner, choices?: OffboardingChoices) => Promise<Offboarded>
}

/** Opens the one offboarding that the admin API, SCIM and `vault.offboard` share. It needs both tiers. */
export function openOffboarding(
  { calls, log, journal, events, pendingRequests: requests, changes }: OpenedParts<never, never>,
  {
    backend,
    form,
    tools,
  }: { readonly backend: SecretBackend; readonly form: OpenedFormTier; readonly tools: ToolTier },
): OpenedOffboarding {
  const { reader, cutoff } = tools.services
  const { endSessions, saves, providerNames: providers, revoke } = form
  const changed = forgetEverywhere(reader, changes)
  const credentials = { ...createCredentialAdmin({ backend, calls, log, changed }), revoke }
  const offboard = createOffboarding({
    credentials,
    endSessions,
    requests,
    saves,
    cutoff,
    announce: changes.offboarded,
    providers,
    journal,
    events,
  })
  return {
    offboard,

    async byEmbedder(owner, choices = {}) {
      const checked = parseOptions(offboardingChoices, choices, 'vault.offboard')
      return offboard(ownerAlone(owner), checked, unknownOperator())
    },
  }
}

/** A mistyped choice must not turn a trial into the offboarding itself. */
const offboardingChoices = z.strictObject({
  providers: z
    .array(z.string().refine(isProviderName, 'must be the name of a provider, such as jira or jira@work'))
    .optional(),
  purge: z.boolean().optional(),
  dryRun: z.boolean().optional(),
} satisfies OptionSchemas<OffboardingChoices>)

/** @throws `configuration_invalid` for a choice that was given inside the owner, where it would have no effect */
function ownerAlone(owner: Owner): Owner {
  const misplaced = Object.keys(offboardingChoices.shape).find((choice) => choice in owner)
  if (misplaced === undefined) return checkOwner(owner)
  throw new CredentialVaultError(
    'configuration_invalid',
    `vault.offboard: ${misplaced} is in the owner. Give it in the second argument: offboard(owner, { ${misplaced} }).`,
    { reason: 'option' },
  )
}
