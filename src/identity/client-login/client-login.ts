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

export interface ClientLoginParts {
  readonly metadata: () => Promise<IssuerMetadata>
  readonly named: ReturnType<typeof namingIssuer>
  readonly warn: (message: string) => void
}

const DAY_SECONDS = 86_400

/** Passes clients' logins on to the identity provider under the one client that is registered there. */
export function oidcClientLogin(
  settings: ClientLoginSettings,
  { metadata, named, warn }: ClientLoginParts,
): ClientLogin {
  const { issuer, client, callbackUrl, requiredScopes, resource, authorizationParameters } = settings
  const names = [...requiredScopes, 'offline_access']
  const scopes = scopeNames(settings.scopes ?? Object.fromEntries(names.map((name) => [name, name])))
  const withResource = resource === undefined ? {} : { resource }
  const ask = async (parameters: Readonly<Record<string, string>>, nonce?: string) =>
    requestTokens(await metadata(), client, { parameters: { ...parameters, ...withResource }, nonce }, scopes)
  const asksForIdToken = (names: readonly string[]) => scopes.atProvider(names).split(' ').includes('openid')
  const warnOnce = once(warn)
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
            ...(asksForIdToken(start.scopes) ? { nonce: start.nonce } : {}),
            ...withResource,
            ...authorizationParameters,
            ...promptOf(start.prompt, authorizationParameters),
          }
          for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
          return url.href
        }),
      ),

    readAnswer: async (answer) => providerAnswer(answer, await named(metadata())),

    redeem: ({ code, codeVerifier, nonce, scopes: asked }) =>
      named(
        ask(
          {
            grant_type: 'authorization_code',
            code,
            code_verifier: codeVerifier,
            redirect_uri: callbackUrl.href,
          },
          asksForIdToken(asked) ? nonce : undefined,
        ),
      ),

    async refresh({ refreshToken, scopes: wanted }) {
      const scope = wanted && scopes.atProvider(wanted)
      const parameters = { grant_type: 'refresh_token', refresh_token: refreshToken, ...(scope ? { scope } : {}) }
      const tokens = await named(ask(parameters))
      const rotates = tokens.kind === 'refused' || (tokens.refreshToken ?? refreshToken) !== refreshToken
      if (!rotates) {
        warnOnce(
          `The identity provider ${issuer} does not rotate the refresh tokens of oidc.clientLogin, so that a stolen one works until it ends there. Turn rotation on for the client ${client.clientId} at the identity provider.`,
        )
      }
      return tokens
    },
  }
}

/** A client may demand more pages than the operator does, not fewer. */
function promptOf(asked: readonly string[], { prompt }: Readonly<Record<string, string>>): { prompt?: string } {
  const words = new Set([...(prompt ?? '').split(' '), ...asked].filter((word) => word !== ''))
  return words.size === 0 ? {} : { prompt: [...words].join(' ') }
}

function once(warn: (message: string) => void): (message: string) => void {
  let warned = false
  return (message) => {
    if (!warned) warn(message)
    warned = true
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
