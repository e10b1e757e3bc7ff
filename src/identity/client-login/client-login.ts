import type { ClientLogin, ClientLoginError, ProviderAnswer } from '../../core/ports/login/client-login.ts'
import type { IssuerMetadata } from '../issuer/issuer-metadata.ts'
import type { namingIssuer } from '../issuer/issuer-outage.ts'
import { checkAnswerIssuer, refuseRepeated } from '../login/login-answer.ts'
import { loginRefusal } from '../login/login-problem.ts'
import { scopeNames } from './scope-names.ts'
import { type RegisteredClient, requestTokens } from './token-request.ts'

export interface ClientLoginSettings {
  readonly issuer: string
  readonly displayName: string | undefined
  readonly client: RegisteredClient
  /** The only redirect URI that the identity provider knows. */
  readonly callbackUrl: URL
  /** Scopes that every access token must have. */
  readonly requiredScopes: readonly string[]
  readonly redirectUris: readonly string[]
  readonly metadataHosts: readonly string[]
  readonly allowPrivateMetadataHosts: boolean
  readonly scopes: Readonly<Record<string, string>> | undefined
  /** The `resource` to send. Undefined where the provider gets none. */
  readonly resource: string | undefined
  readonly authorizationParameters: Readonly<Record<string, string>>
  readonly rememberConsentDays: number
}

const DAY_SECONDS = 86_400

/** Passes clients' logins on to the identity provider under the one client that is registered there. */
export function oidcClientLogin(
  settings: ClientLoginSettings,
  metadata: () => Promise<IssuerMetadata>,
  named: ReturnType<typeof namingIssuer>,
): ClientLogin {
  const { issuer, client, callbackUrl, requiredScopes, resource, authorizationParameters } = settings
  const names = [...requiredScopes, 'offline_access']
  const scopes = scopeNames(settings.scopes ?? Object.fromEntries(names.map((name) => [name, name])))
  const withResource = resource === undefined ? {} : { resource }
  const ask = async (grant: Readonly<Record<string, string>>) =>
    requestTokens(await metadata(), client, { ...grant, ...withResource }, scopes)
  return {
    displayName: settings.displayName ?? new URL(issuer).host,
    redirectUris: settings.redirectUris,
    metadataHosts: settings.metadataHosts,
    allowPrivateMetadataHosts: settings.allowPrivateMetadataHosts,
    rememberSeconds: settings.rememberConsentDays * DAY_SECONDS,
    scopes: scopes.known,
    defaultScopes: requiredScopes,
    policy: JSON.stringify([issuer, client.clientId]),

    authorizationUrl: (start) =>
      named(
        metadata().then(({ authorization_endpoint: endpoint }) => {
          const scope = scopes.atProvider(start.scopes)
          const url = new URL(endpoint)
          const parameters = {
            response_type: 'code',
            client_id: client.clientId,
            redirect_uri: callbackUrl.href,
            state: start.state,
            code_challenge: start.codeChallenge,
            code_challenge_method: 'S256',
            ...(scope === '' ? {} : { scope }),
            ...withResource,
            ...(start.prompt.length === 0 ? {} : { prompt: start.prompt.join(' ') }),
            ...authorizationParameters,
          }
          for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
          return url.href
        }),
      ),

    readAnswer: async (answer) => providerAnswer(answer, await named(metadata())),

    redeem: ({ code, codeVerifier }) =>
      named(
        ask({
          grant_type: 'authorization_code',
          code,
          code_verifier: codeVerifier,
          redirect_uri: callbackUrl.href,
        }),
      ),

    refresh({ refreshToken, scopes: wanted }) {
      const scope = wanted && scopes.atProvider(wanted)
      return named(ask({ grant_type: 'refresh_token', refresh_token: refreshToken, ...(scope ? { scope } : {}) }))
    },
  }
}

function providerAnswer(answer: URLSearchParams, metadata: IssuerMetadata): ProviderAnswer {
  refuseRepeated(answer)
  checkAnswerIssuer(answer, metadata)
  const error = answer.get('error')
  if (error !== null) return { kind: 'error', error: PASSED_ON.get(error) ?? 'server_error' }
  const code = answer.get('code')
  if (!code || code.length > MAX_CODE_LENGTH) throw loginRefusal('malformed')
  return { kind: 'code', code }
}

/** Longer than any provider's, and short enough to be sealed and sent in a URL. */
const MAX_CODE_LENGTH = 4_096

const PASSED_ON: ReadonlyMap<string, ClientLoginError> = new Map(
  (
    [
      'access_denied',
      'invalid_scope',
      'login_required',
      'interaction_required',
      'consent_required',
      'account_selection_required',
      'temporarily_unavailable',
    ] as const
  ).map((error) => [error, error]),
)
