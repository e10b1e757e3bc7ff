import type { OidcOptions } from '../../../src/identity/oidc-options.ts'
import { browserClient, type TestIdentityProvider } from './identity-provider.ts'
import {
  CALLBACK_URL,
  FORM_CLIENT,
  type IdentityUnderTest,
  openIdentity,
  RESOURCE,
  realTokens,
  startFormProvider,
} from './opened-identity.ts'

export const OTHER_RESOURCE = 'http://localhost:39998/mcp'
const CLIENT = { clientId: 'mcp-server', clientSecret: 'a secret: with % and +' }

export interface OpaqueTokens extends IdentityUnderTest {
  readonly provider: TestIdentityProvider
  /** A token that the provider issues to the form's client, for our resource unless told otherwise. */
  issue(user: string, resource?: string): Promise<string>
  /** RFC 7009, as its client does it. */
  revoke(token: string): Promise<void>
  /** Another `oidc()` at the same provider. */
  open(introspection?: Partial<NonNullable<OidcOptions['introspection']>>): Promise<IdentityUnderTest['identity']>
}

/** A real identity provider that issues opaque tokens, each for the resource that was asked for last, and introspects them. */
export async function startOpaqueTokens(): Promise<OpaqueTokens> {
  let resource = RESOURCE
  const provider = await startFormProvider({
    clients: [
      browserClient(FORM_CLIENT, [CALLBACK_URL.href]),
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [],
        grant_types: [],
        response_types: [],
      },
    ],
    configuration: {
      features: {
        devInteractions: { enabled: false },
        introspection: { enabled: true, allowedPolicy: (_context, client) => client.clientId === CLIENT.clientId },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => resource,
          useGrantedResource: () => true,
          getResourceServerInfo: async (_context, asked) => {
            // Loaded by then; loading it here first would print a warning.
            const { errors } = await import('oidc-provider')
            if (asked !== RESOURCE && asked !== OTHER_RESOURCE) throw new errors.InvalidTarget()
            return { scope: 'mcp', audience: asked, accessTokenFormat: 'opaque', accessTokenTTL: 300 }
          },
        },
      },
      loadExistingGrant: async ({ oidc }) => {
        const grant = new oidc.provider.Grant({ clientId: FORM_CLIENT, accountId: oidc.session?.accountId })
        grant.addOIDCScope('openid profile mcp')
        for (const granted of [RESOURCE, OTHER_RESOURCE]) grant.addResourceScope(granted, 'mcp')
        await grant.save()
        return grant
      },
    },
  })
  const open: OpaqueTokens['open'] = (introspection = {}) =>
    openIdentity({
      issuer: provider.issuer,
      clientId: FORM_CLIENT,
      loginScopes: 'openid profile mcp',
      introspection: { ...CLIENT, cacheSeconds: 0, ...introspection },
    })
  const identity = await open()
  return {
    provider,
    identity,
    open,
    async issue(user, asked = RESOURCE) {
      resource = asked
      return (await realTokens({ provider, identity }, user)).access_token
    },
    async revoke(token) {
      const body = new URLSearchParams({ token, client_id: FORM_CLIENT })
      const { status } = await fetch(`${provider.issuer}/token/revocation`, { method: 'POST', body })
      if (status !== 200) throw new Error(`The revocation was answered with ${status}.`)
    },
  }
}
