const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const CORE = 'urn:ietf:params:scim:schemas:core:2.0'

/** What the service can do (RFC 7643 §5). */
export const serviceProviderConfig = {
  schemas: [`${CORE}:ServiceProviderConfig`],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 1 },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: false },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'The token of this identity provider',
      primary: true,
    },
  ],
}

/** Its one kind of resource (RFC 7643 §6). */
export const userType = {
  schemas: [`${CORE}:ResourceType`],
  id: 'User',
  name: 'User',
  endpoint: '/Users',
  schema: USER,
}

const text = { type: 'string', multiValued: false, caseExact: true, mutability: 'readWrite', returned: 'default' }

/** The attributes that are read (RFC 7643 §7). */
export const userSchema = {
  schemas: [`${CORE}:Schema`],
  id: USER,
  name: 'User',
  attributes: [
    { ...text, name: 'userName', required: true, uniqueness: 'server' },
    { ...text, name: 'externalId', required: false, uniqueness: 'none' },
    { ...text, name: 'active', type: 'boolean', required: false, uniqueness: 'none' },
  ],
}
