import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'
import type { AdminParts, ScimTenant } from '../admin/admin-parts.ts'
import { type ScimRoutes, scimRootOf } from '../admin/admin-routes.ts'
import { type ApiAnswer, failureOf, notAllowed } from '../admin/api-answer.ts'
import { readBody } from '../admin/api-request.ts'
import { challenge, type Refused } from '../admin/operator-token.ts'
import { bearerCredentials } from '../bearer/bearer-credentials.ts'
import { scimError, scimList } from './scim-answer.ts'
import { serviceProviderConfig, userSchema, userType } from './scim-discovery.ts'
import { createScimUsers, type ScimRequest } from './scim-users.ts'

const DOCUMENTS: Readonly<Record<string, ApiAnswer>> = {
  ServiceProviderConfig: { status: 200, body: serviceProviderConfig },
  ResourceTypes: scimList([userType]),
  'ResourceTypes/User': { status: 200, body: userType },
  Schemas: scimList([userSchema]),
  [`Schemas/${userSchema.id}`]: { status: 200, body: userSchema },
  // Some identity providers look for groups although none is mapped.
  Groups: scimList([]),
}

/**
 * Serves SCIM 2.0 (RFC 7643, RFC 7644) for identity providers that report disabled users. A user who becomes inactive or is deleted is
 * offboarded; nothing else has an effect.
 */
export function createScimRoutes(parts: AdminParts): ScimRoutes {
  const root = scimRootOf(parts.serverBaseUrl)
  const users = createScimUsers(parts, parts.serverBaseUrl.origin + root)

  async function withBody(ctx: Context, work: (body: unknown) => Promise<ApiAnswer>): Promise<ApiAnswer> {
    const body = await readBody(ctx, ['application/scim+json'])
    if (!body.answer) return work(body.value)
    const { status, headers } = body.answer
    const answer = scimError(
      status,
      'The body must be JSON of at most 64 KiB',
      status === 400 ? 'invalidSyntax' : undefined,
    )
    return headers ? { ...answer, headers } : answer
  }

  async function allUsers(ctx: Context, request: ScimRequest): Promise<ApiAnswer> {
    if (ctx.method === 'POST') return withBody(ctx, (body) => users.create(body, request))
    if (ctx.method !== 'GET') return notAllowed('GET, POST')
    const filters = new URLSearchParams(ctx.querystring).getAll('filter')
    if (filters.length > 1) return scimError(400, 'filter is given twice', 'invalidFilter')
    return users.find(filters[0], request)
  }

  async function oneUser(ctx: Context, id: string, request: ScimRequest): Promise<ApiAnswer> {
    switch (ctx.method) {
      case 'GET':
        return users.get(id, request)
      case 'PATCH':
        return withBody(ctx, (body) => users.patch(id, body, request))
      case 'PUT':
        return withBody(ctx, (body) => users.replace(id, body, request))
      case 'DELETE':
        return users.remove(id, request)
      default:
        return notAllowed('GET, PATCH, PUT, DELETE')
    }
  }

  async function answerTo(ctx: Context, request: ScimRequest): Promise<ApiAnswer> {
    const path = ctx.path.slice(root.length + 1)
    if (path === 'Users') return allUsers(ctx, request)
    const [, id] = /^Users\/([^/]+)$/.exec(path) ?? []
    if (id !== undefined) return oneUser(ctx, id, request)
    const document = Object.hasOwn(DOCUMENTS, path) ? DOCUMENTS[path] : undefined
    if (!document) return scimError(404, 'There is nothing here')
    return ctx.method === 'GET' ? document : notAllowed('GET')
  }

  return async (ctx, place) => {
    const sender = tenantOf(parts.tenants, ctx)
    if (sender.refused) return { refused: sender.refused }
    const request = {
      tenant: sender.tenant,
      context: { ...place, actor: { kind: 'operator', account: 'scim' } as const },
    }
    try {
      return { answer: await answerTo(ctx, request) }
    } catch (error) {
      const { status, text, headers, code } = failureOf(error, place.correlationId)
      if (code === 'unexpected') throw error
      return { answer: { ...scimError(status, text), headers } }
    }
  }
}

type TenantCheck = { readonly tenant: ScimTenant; readonly refused?: never } | { readonly refused: Refused }

/** Finds the identity provider by its bearer token. Every token is compared, each in constant time. */
function tenantOf(tenants: readonly ScimTenant[], { req }: Context): TenantCheck {
  const credentials = bearerCredentials(req.headersDistinct['authorization'] ?? [])
  if (credentials.kind === 'absent') return { refused: { answer: challenge() } }
  if (credentials.kind === 'malformed') return { refused: { answer: challenge('invalid_token'), reason: 'malformed' } }
  const given = createHash('sha256').update(credentials.token).digest()
  const [tenant] = tenants.filter(({ tokenHash }) => timingSafeEqual(tokenHash, given))
  return tenant ? { tenant } : { refused: { answer: challenge('invalid_token'), reason: 'invalid' } }
}
