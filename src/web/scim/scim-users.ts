import { checkOwner, type Owner } from '../../core/model/owner.ts'
import type { AccessContext } from '../../core/ports/access-context.ts'
import type { AdminParts, ScimTenant } from '../admin/admin-parts.ts'
import type { ApiAnswer } from '../admin/api-answer.ts'
import { noSuchUser, scimError, scimList } from './scim-answer.ts'
import { type Activity, activityOf, activityOfPatch, attribute } from './scim-attributes.ts'
import { scimFilter } from './scim-filter.ts'
import { scimId, subjectOfId } from './scim-id.ts'

/** One request of an identity provider. */
export interface ScimRequest {
  readonly tenant: ScimTenant
  readonly context: AccessContext
}

/** The users of the tenants. None is stored: a user is a subject of the tenant's issuer, and its `id` seals that subject. */
export interface ScimUsers {
  find(filter: string | undefined, request: ScimRequest): Promise<ApiAnswer>
  create(body: unknown, request: ScimRequest): Promise<ApiAnswer>
  get(id: string, request: ScimRequest): Promise<ApiAnswer>
  patch(id: string, body: unknown, request: ScimRequest): Promise<ApiAnswer>
  replace(id: string, body: unknown, request: ScimRequest): Promise<ApiAnswer>
  remove(id: string, request: ScimRequest): Promise<ApiAnswer>
}

/** What the answer repeats of the request. */
interface Repeated {
  /** The body of the request. */
  readonly given?: unknown
  readonly id?: string
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const NO_BOOLEAN = 'active must be true or false'

/** @param root URL of the SCIM endpoint */
export function createScimUsers(
  { operations, sealer }: Pick<AdminParts, 'operations' | 'sealer'>,
  root: string,
): ScimUsers {
  /** Returns the id that was asked for, even if an earlier web key sealed it: a user's id must not change while it is in use. */
  function resource(tenant: ScimTenant, subject: string, active: boolean, { given, id: asked }: Repeated = {}): object {
    const id = asked ?? scimId(sealer, tenant, subject)
    const [userName, externalId] = [attribute(given, 'userName'), attribute(given, 'externalId')]
    return {
      schemas: [USER],
      id,
      userName: typeof userName === 'string' ? userName : subject,
      ...(tenant.subjectFrom === 'externalId' && { externalId: subject }),
      ...(typeof externalId === 'string' && { externalId }),
      active,
      meta: { resourceType: 'User', location: `${root}/Users/${id}` },
    }
  }

  function ownerOf(id: string, { tenant }: ScimRequest): Owner | undefined {
    const subject = subjectOfId(sealer, tenant, id)
    return subject === undefined ? undefined : { issuer: tenant.issuer, subject }
  }

  /** Returns the answer if something could not be ended, so that the identity provider sends its request again. */
  async function offboarded(owner: Owner, { context }: ScimRequest): Promise<ApiAnswer | undefined> {
    const { left } = await operations.offboard(owner, {}, context)
    if (left.length === 0) return undefined
    const names = left.map(({ what, provider, error }) => [what, provider, error].filter(Boolean).join(' '))
    const answer = scimError(503, `Not ended yet, send the request again: ${names.join(', ')}`)
    return { ...answer, headers: { 'Retry-After': '10' } }
  }

  async function settled(
    owner: Owner,
    activity: Activity,
    request: ScimRequest,
    repeated: Repeated,
  ): Promise<ApiAnswer> {
    if (activity === 'invalid') return scimError(400, NO_BOOLEAN, 'invalidValue')
    const failed = activity === 'inactive' ? await offboarded(owner, request) : undefined
    return failed ?? { status: 200, body: resource(request.tenant, owner.subject, activity !== 'inactive', repeated) }
  }

  return {
    async find(text, { tenant, context }) {
      // Nobody is listed: identity providers look users up one by one.
      if (text === undefined) return scimList([])
      const filter = scimFilter(text)
      if (!filter) return scimError(400, 'Only userName eq "…" and externalId eq "…" are supported', 'invalidFilter')
      if (filter.attribute !== tenant.subjectFrom || !isSubject(tenant, filter.value)) return scimList([])
      const isKnown = await operations.knows({ issuer: tenant.issuer, subject: filter.value }, context)
      return scimList(isKnown ? [resource(tenant, filter.value, true)] : [])
    },

    async create(body, request) {
      const { tenant } = request
      const subject = attribute(body, tenant.subjectFrom)
      if (typeof subject !== 'string' || !isSubject(tenant, subject)) {
        return scimError(400, `${tenant.subjectFrom} must be the user's OpenID Connect subject`, 'invalidValue')
      }
      const activity = activityOf(attribute(body, 'active'))
      const answer = await settled({ issuer: tenant.issuer, subject }, activity, request, { given: body })
      if (answer.status !== 200) return answer
      const location = `${root}/Users/${scimId(sealer, tenant, subject)}`
      return { ...answer, status: 201, headers: { Location: location } }
    },

    async get(id, request) {
      const owner = ownerOf(id, request)
      return owner ? { status: 200, body: resource(request.tenant, owner.subject, true, { id }) } : noSuchUser()
    },

    async patch(id, body, request) {
      const owner = ownerOf(id, request)
      if (!owner) return noSuchUser()
      const activity = activityOfPatch(body)
      if (!activity) return scimError(400, 'The body is not a PATCH with Operations', 'invalidSyntax')
      return settled(owner, activity, request, { id })
    },

    async replace(id, body, request) {
      const owner = ownerOf(id, request)
      if (!owner) return noSuchUser()
      return settled(owner, activityOf(attribute(body, 'active')), request, { given: body, id })
    },

    async remove(id, request) {
      const owner = ownerOf(id, request)
      if (!owner) return noSuchUser()
      return (await offboarded(owner, request)) ?? { status: 204 }
    },
  }
}

function isSubject({ issuer }: ScimTenant, subject: string): boolean {
  try {
    return checkOwner({ issuer, subject }).subject === subject
  } catch {
    return false
  }
}
