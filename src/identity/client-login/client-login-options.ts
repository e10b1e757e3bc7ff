import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import { parsedUrl } from '../../core/model/url-value.ts'

/** Options of `oidc({ clientLogin })`: MCP clients log in through this server, at a provider where they cannot register themselves. */
export interface ClientLoginOptions {
  /** The client that is registered at the identity provider for this. Default: `clientId` of `oidc`, with its secret. */
  readonly clientId?: string | undefined
  /** Only together with `clientId`. Prefer `clientSecretFile`. */
  readonly clientSecret?: string | undefined
  /** File that holds the client secret, read once when the vault opens. Only together with `clientId`. */
  readonly clientSecretFile?: string | undefined
  /**
   * Redirect URIs of clients, compared exactly: https, or a private-use scheme such as `cursor://anysphere.cursor-mcp/oauth/callback`. At
   * most 100. Default none. Loopback (`http://127.0.0.1`, `http://localhost`, `http://[::1]`) is allowed with any port and path.
   */
  readonly redirectUris?: readonly string[] | undefined
  /** Hosts, with a port if any, whose https URLs are accepted as client ids (Client ID Metadata Documents). At most 100. Default none. */
  readonly metadataHosts?: readonly string[] | undefined
  /** Read metadata documents from private addresses too. Default false. */
  readonly allowPrivateMetadataHosts?: boolean | undefined
  /**
   * Scopes that clients may ask for, and what each is called at the identity provider; several there are separated by spaces. All of
   * `scopes` of `oidc` must be among them. Default: `scopes` of `oidc` and `offline_access`, each under its own name.
   */
  readonly scopes?: Readonly<Record<string, string>> | undefined
  /** Whether the provider is sent the `resource` parameter (RFC 8707). Default `drop`, since several providers refuse it. */
  readonly resource?: 'drop' | 'pass' | undefined
  /** Fixed parameters of each request, such as Auth0's `audience`. A client's `prompt` is added. At most 20. Default none. */
  readonly authorizationParameters?: Readonly<Record<string, string>> | undefined
  /** Days for which a browser remembers a consent to an https redirect URI and its scopes, 0 to 90. Default 0: asked at each login. */
  readonly rememberConsentDays?: number | undefined
}

const scopeName = /^[\x21\x23-\x5B\x5D-\x7E]+$/
const scopeNames = /^[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*$/

/** Parameters that this server sets itself, and `request` and `request_uri`, which could override them. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set([
  'response_type',
  'response_mode',
  'client_id',
  'client_secret',
  'redirect_uri',
  'state',
  'nonce',
  'scope',
  'resource',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
])

/** Schemes that browsers act on themselves, or that are not encrypted. */
const NOT_PRIVATE_USE: ReadonlySet<string> = new Set(
  'about blob chrome data file filesystem ftp http https javascript mailto resource tel urn vbscript view-source ws wss'
    .split(' ')
    .map((scheme) => `${scheme}:`),
)

export const clientLoginSchema = z
  .strictObject({
    clientId: z.string().min(1).max(255).optional(),
    clientSecret: z.string().min(1).optional(),
    clientSecretFile: z.string().min(1).optional(),
    redirectUris: z
      .array(
        z
          .string()
          .max(1_000)
          .refine(
            isListable,
            'must be a whole https URL or one of a private-use scheme, without user name, fragment or *',
          ),
      )
      .max(100)
      .default([]),
    metadataHosts: z
      .array(z.string().refine(isHost, 'must be a host in lower case, such as clients.example.com, with a port if any'))
      .max(100)
      .default([]),
    allowPrivateMetadataHosts: z.boolean().default(false),
    scopes: z
      .record(z.string(), z.string().regex(scopeNames, 'must be scopes separated by one space each'))
      .refine(
        (map) => Object.keys(map).every((name) => scopeName.test(name)),
        'must have names of scopes, without spaces',
      )
      .optional(),
    resource: z.enum(['drop', 'pass']).default('drop'),
    authorizationParameters: z
      .record(z.string(), z.string().min(1).max(1_000))
      .refine(haveOwnNames, 'must have names of parameters, and none that this server sets itself, such as state')
      .refine((parameters) => Object.keys(parameters).length <= 20, 'must be at most 20 entries long')
      .default({}),
    rememberConsentDays: z.int().min(0).max(90).default(0),
  } satisfies OptionSchemas<ClientLoginOptions>)
  .superRefine((options, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (options.clientSecret !== undefined && options.clientSecretFile !== undefined) {
      problem('clientSecretFile', 'cannot be given together with clientSecret')
    }
    if (options.clientId === undefined && (options.clientSecret ?? options.clientSecretFile) !== undefined) {
      problem('clientId', 'must be given together with its secret')
    }
  })

function haveOwnNames(parameters: Readonly<Record<string, string>>): boolean {
  return Object.keys(parameters).every(
    (name) => /^[a-z0-9_.-]{1,100}$/i.test(name) && !OWN_PARAMETERS.has(name.toLowerCase()),
  )
}

function isListable(text: string): boolean {
  const url = parsedUrl(text)
  if (!url || /[^\x21-\x7E]|[*#\\]/.test(text) || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' ? text.startsWith('https://') : !NOT_PRIVATE_USE.has(url.protocol)
}

function isHost(text: string): boolean {
  return parsedUrl(`https://${text}/`)?.host === text && !text.includes('*')
}
