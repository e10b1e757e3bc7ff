import type { IdentityProviderOptions } from '../../../examples/tickets/identity-provider.ts'
import { startIdentityProvider, type TestIdentityProvider } from './identity-provider.ts'

export const CLIENT_ID = 'mcp-server'
export const CLIENT_SECRET = 'a secret: with % and +'

/**
 * oidc-provider as companies run theirs: no registration, one confidential client with one redirect URI, `iss` in its answers, and the
 * `resource` parameter refused.
 */
export async function startClosedProvider(
  baseUrl: string,
  options: Pick<IdentityProviderOptions, 'intercept'> = {},
): Promise<TestIdentityProvider> {
  const resource = `${baseUrl}/mcp`
  return startIdentityProvider({
    ...options,
    resource,
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${baseUrl}/credentials/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    configuration: {
      features: {
        devInteractions: { enabled: false },
        registration: { enabled: false },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => resource,
          useGrantedResource: () => true,
          getResourceServerInfo: async (context, asked) => {
            // Loaded by then; loading it here first would print a warning.
            const { errors } = await import('oidc-provider')
            const given = context.query['resource'] ?? context.oidc.body?.['resource']
            if (given !== undefined || asked !== resource) throw new errors.InvalidTarget()
            return { scope: 'mcp', audience: asked, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }
          },
        },
      },
    },
  })
}
