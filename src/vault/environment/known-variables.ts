import { z } from 'zod'
import { ASYMMETRIC_ALGORITHMS } from '../../identity/oidc-options.ts'
import { SUBJECT_ATTRIBUTES } from '../../web/admin/admin-options.ts'
import { auditVariables } from './audit-from-environment.ts'
import { clientLoginVariables } from './client-login-from-environment.ts'
import { storeVariables } from './create-stores.ts'
import { wholeNumber, words } from './environment.ts'
import { hashicorpVaultVariables } from './hashicorp-vault-from-environment.ts'
import { serverVariables } from './server-variables.ts'

/** The variables that `vaultOptionsFromEnvironment` reads, besides those of the stores. */
export const vaultVariables = z.object({
  MCP_SERVER_BASE_URL: z.string({ error: 'set it to the URL under which this server is reached' }),
  MCP_SERVER_NAME: z.string().optional(),
  MCP_IDENTITY: z.enum(['oidc', 'local-user']).optional(),
  MCP_OIDC_ISSUER: z.string().optional(),
  MCP_OIDC_CLIENT_ID: z.string().optional(),
  MCP_OIDC_DISPLAY_NAME: z.string().optional(),
  MCP_OIDC_CLIENT_SECRET_FILE: z.string().optional(),
  MCP_OIDC_AUDIENCE: z.string().optional(),
  MCP_OIDC_SCOPES: words.optional(),
  MCP_OIDC_SUBJECT_CLAIM: z.string().optional(),
  MCP_OIDC_ID_TOKEN_SUBJECT_CLAIM: z.string().optional(),
  MCP_OIDC_ISSUER_ALIASES: words.optional(),
  MCP_OIDC_ALGORITHMS: words.pipe(z.array(z.enum(ASYMMETRIC_ALGORITHMS))).optional(),
  MCP_OIDC_MAX_AUTH_AGE_SECONDS: wholeNumber.optional(),
  MCP_OIDC_ACR_VALUES: words.optional(),
  ...clientLoginVariables,
  MCP_LOCAL_USER: z.string().optional(),
  MCP_LOCAL_ACCESS_TOKEN: z.string().optional(),
  MCP_CACHE_SECONDS: wholeNumber.optional(),
  MCP_LINK_TTL_SECONDS: wholeNumber.optional(),
  MCP_SESSION_IDLE_SECONDS: wholeNumber.optional(),
  MCP_SESSION_MAX_SECONDS: wholeNumber.optional(),
  MCP_TRUSTED_PROXIES: wholeNumber.optional(),
  MCP_ALLOWED_ORIGINS: words.optional(),
  MCP_HSTS_INCLUDE_SUBDOMAINS: z.enum(['true', 'false']).optional(),
  MCP_ADMIN_SCOPE: z.string().optional(),
  MCP_SCIM_ISSUER: z.string().optional(),
  MCP_SCIM_SUBJECT_FROM: z.enum(SUBJECT_ATTRIBUTES).optional(),
  MCP_SCIM_TOKEN_FILE: z.string().optional(),
  MCP_PAGES_PER_MINUTE: wholeNumber.optional(),
  MCP_LOGINS_PER_MINUTE: wholeNumber.optional(),
  MCP_SUBMITS_PER_MINUTE: wholeNumber.optional(),
})

export type VaultVariables = z.output<typeof vaultVariables>

/** The names of all variables that the runnable server reads. The AWS SDK and Node.js read more. */
export const environmentVariables: ReadonlySet<string> = new Set([
  ...auditVariables,
  ...storeVariables,
  ...hashicorpVaultVariables,
  ...Object.keys(vaultVariables.shape),
  ...Object.keys(serverVariables.shape),
  'MCP_WEB_KEY',
  'MCP_WEB_KEY_FILE',
  'MCP_WEB_KEY_ACCEPTED',
  'MCP_WEB_KEY_ACCEPTED_FILE',
])

/** Those of them that begin with MCP_. */
export const knownVariables: ReadonlySet<string> = new Set(
  [...environmentVariables].filter((name) => name.startsWith('MCP_')),
)
