import { createHash } from 'node:crypto'
import { createCredentialAdmin } from '../core/credentials/credential-admin.ts'
import { forgetEverywhere } from '../core/lifecycle/shared-changes.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import { createAdminOperations } from '../core/operations/admin-operations.ts'
import type { Offboard } from '../core/operations/offboarding.ts'
import type { Identity } from '../core/ports/identity.ts'
import type { SecretBackend } from '../core/ports/secret-backend.ts'
import type { CheckedAdmin } from '../web/admin/admin-options.ts'
import type { AdminParts, ScimTenant } from '../web/admin/admin-parts.ts'
import { ADMIN_SEGMENT, createAdminRoutes } from '../web/admin/admin-routes.ts'
import { countedRoutes, type OwnRoutes } from '../web/http/own-routes.ts'
import type { HttpOptions } from '../web/http/web-parts.ts'
import { createScimRoutes } from '../web/scim/scim-routes.ts'
import type { OpenedParts } from './parts/open-parts.ts'
import { scimTokenOf } from './scim-token.ts'
import type { OpenedFormTier } from './tiers/form-tier.ts'
import type { ToolTier } from './tiers/tool-tier.ts'

export interface AdminApiParts {
  readonly backend: SecretBackend
  readonly form: OpenedFormTier
  readonly tools: ToolTier
  readonly admin: CheckedAdmin
  readonly offboard: Offboard
  readonly checked: Pick<HttpOptions, 'trustedProxies' | 'hstsIncludeSubdomains'>
}

/** @throws `configuration_invalid` for settings that would let the wrong people in, or offboard nobody */
export function openAdminApi(
  opened: OpenedParts<never, 'scim-id'>,
  { backend, form, tools, admin, offboard, checked }: AdminApiParts,
): OwnRoutes {
  const { serverBaseUrl, identity, journal, health, calls, log, marks, sealer, warnOf, changes, countUse } = opened
  checkIdentity(identity, admin)
  const changed = forgetEverywhere(tools.services.reader, changes)
  const credentials = {
    ...createCredentialAdmin({ backend, calls, log, changed }),
    revoke: form.revoke,
  }
  const { providerNames: providers } = form
  const parts: AdminParts = {
    serverBaseUrl,
    identity,
    journal,
    health,
    sealer,
    options: { ...checked, serverName: serverBaseUrl.host },
    operations: createAdminOperations({ marks, log, credentials, changed, offboard, providers }),
    scope: admin.scope,
    operators: admin.operators,
    requestsPerMinute: admin.requestsPerMinute,
    countUse,
    tenants: tenantsOf(admin, warnOf('keys')),
  }
  return countedRoutes(createAdminRoutes(parts, createScimRoutes(parts)), opened.drain)
}

/** @throws `configuration_invalid` for a provider whose pages would be where the API is */
export function providerMayBe(name: string): void {
  if (name !== ADMIN_SEGMENT) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `No provider can be named ${ADMIN_SEGMENT} while openVault.admin is set: its pages would be where the admin API is. Rename it.`,
    { reason: 'provider_name_taken' },
  )
}

function checkIdentity(
  { resource, noAccessToken, browserLogin, ownerIssuers: issuers }: Identity,
  { scope, scim }: CheckedAdmin,
): void {
  if (browserLogin.mode === 'local-user' || noAccessToken !== undefined) {
    throw wrongOption(
      'openVault.admin: it needs access tokens of an identity provider. Set oidc({ … }) (MCP_OIDC_ISSUER), or leave it out.',
    )
  }
  if (resource?.scopes.includes(scope)) {
    throw wrongOption(
      'openVault.admin.scope: oidc requires this scope of every user, so every user would be an operator. Choose a scope of its own.',
    )
  }
  scim.forEach(({ issuer }, at) => {
    if (!issuers || issuers.includes(issuer)) return
    throw wrongOption(
      `openVault.admin.scim[${at}].issuer: no users come from this issuer, so nobody would be offboarded. Write it exactly as oidc has it.`,
    )
  })
}

function tenantsOf({ scim }: CheckedAdmin, warn: (message: string) => void): readonly ScimTenant[] {
  const tenants = scim.map(({ issuer, subjectFrom, token, tokenFile }, at) => ({
    issuer,
    subjectFrom,
    tokenHash: createHash('sha256')
      .update(scimTokenOf(`openVault.admin.scim[${at}]`, { token, tokenFile }, warn))
      .digest(),
  }))
  const hashes = tenants.map(({ tokenHash }) => tokenHash.toString('hex'))
  if (new Set(hashes).size === hashes.length) return tenants
  throw wrongOption('openVault.admin.scim: two entries have the same token. Give each identity provider its own.')
}

function wrongOption(message: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', message, { reason: 'option' })
}
