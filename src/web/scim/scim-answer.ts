import type { ApiAnswer } from '../admin/api-answer.ts'

const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'

/** Detail keyword of a 400 (RFC 7644 §3.12). */
export type ScimType = 'invalidFilter' | 'invalidPath' | 'invalidSyntax' | 'invalidValue'

export function scimError(status: number, detail: string, scimType?: ScimType): ApiAnswer {
  return { status, body: { schemas: [ERROR], status: String(status), ...(scimType && { scimType }), detail } }
}

export function scimList(resources: readonly object[]): ApiAnswer {
  const count = resources.length
  const page = { totalResults: count, startIndex: 1, itemsPerPage: count }
  return { status: 200, body: { schemas: [LIST], ...page, Resources: resources } }
}

/** One text for every id that is not ours, whether it was altered, is another tenant's, or never existed. */
export function noSuchUser(): ApiAnswer {
  return scimError(404, 'There is no user with this id')
}
