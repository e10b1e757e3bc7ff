import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'
import type { ScimTenant } from '../admin/admin-parts.ts'
import { challenge, type Refused } from '../admin/operator-token.ts'
import { bearerCredentials } from '../bearer/bearer-credentials.ts'

export type TenantCheck = { readonly tenant: ScimTenant; readonly refused?: never } | { readonly refused: Refused }

/** Finds the identity provider by its bearer token. Every token is compared, each in constant time. */
export function tenantOf(tenants: readonly ScimTenant[], { req }: Context): TenantCheck {
  const credentials = bearerCredentials(req.headersDistinct['authorization'] ?? [])
  if (credentials.kind === 'absent') return { refused: { answer: challenge() } }
  if (credentials.kind === 'malformed') return { refused: { answer: challenge('invalid_token'), reason: 'malformed' } }
  const given = createHash('sha256').update(credentials.token).digest()
  const [tenant] = tenants.filter(({ tokenHash }) => timingSafeEqual(tokenHash, given))
  return tenant ? { tenant } : { refused: { answer: challenge('invalid_token'), reason: 'invalid' } }
}
