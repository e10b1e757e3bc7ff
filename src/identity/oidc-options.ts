import { z } from 'zod'
import type { OptionSchemas } from '../core/model/options.ts'
import { hasControlCharacter, isWellFormed, MAX_IDENTITY_LENGTH } from '../core/model/owner.ts'
import { parsedUrl } from '../core/model/url-value.ts'
import { isLoopback } from '../core/network/loopback.ts'
import { type IntrospectionOptions, introspectionSchema } from './access-token/introspection-options.ts'
import { REASSIGNABLE_CLAIMS } from './claims/owner-claim.ts'
import { type ClientLoginOptions, clientLoginSchema } from './client-login/client-login-options.ts'

/** Options of `oidc()`. */
export interface OidcOptions {
  /**
   * The identity provider's issuer, exactly as in its metadata (a trailing slash counts). https, or http on loopback. At most 255
   * characters.
   */
  readonly issuer: string
  /** Name of the identity provider on the sign-in button and beside the account, 1 to 100 characters. Default: the issuer's host. */
  readonly displayName?: string | undefined
  /** The client registered for the browser login, with the vault's callback as redirect URI. */
  readonly clientId: string
  /** Only for a confidential client. Prefer `clientSecretFile`. */
  readonly clientSecret?: string | undefined
  /** File that holds the client secret, read once when the vault opens; surrounding white space is ignored. */
  readonly clientSecretFile?: string | undefined
  /**
   * Value that access tokens must have in `aud` (RFC 8707), compared exactly. At most 2048 characters. A URL must be https, or http on
   * loopback, and have no fragment. Default: `serverBaseUrl` + `/mcp`.
   */
  readonly audience?: string | undefined
  /** Scopes that access tokens must have. Default none. */
  readonly scopes?: readonly string[] | undefined
  /** Scopes that the browser login requests, separated by spaces. They must include `openid`. Default `openid profile`. */
  readonly loginScopes?: string | undefined
  /** Signature algorithms accepted on access and ID tokens; asymmetric only. Default: all of {@link ASYMMETRIC_ALGORITHMS}. */
  readonly algorithms?: readonly AsymmetricAlgorithm[] | undefined
  /** Claim that identifies the user. It must be stable and never be reassigned. Default `sub`; Entra: `oid`, Okta: `uid`. */
  readonly subjectClaim?: string | undefined
  /** Claim with the same value in ID tokens, if its name differs. Default: `subjectClaim`. Okta: `sub`. */
  readonly idTokenSubjectClaim?: string | undefined
  /** Other values of `iss` in access tokens that this issuer signs, e.g. Entra's `https://sts.windows.net/…/`. */
  readonly issuerAliases?: readonly string[] | undefined
  /** Seconds that the identity provider's clock may be off, 0 to 300. Default 30. */
  readonly clockToleranceSeconds?: number | undefined
  /**
   * Seconds that a verified access token is cached, 0 to 300, never beyond its `exp` nor longer than the issuer's key set is in use. Default
   * 60. With 0, each request verifies its token.
   */
  readonly rememberTokenSeconds?: number | undefined
  /** Accept only tokens with `typ: at+jwt` (RFC 9068). Default false, since many providers leave it out. */
  readonly requireTokenType?: boolean | undefined
  /** Accept tokens that a program obtained for itself. Default false: credentials belong to people. */
  readonly allowMachineTokens?: boolean | undefined
  /** Looks up opaque access tokens at the issuer (RFC 7662). Default: only JWTs are accepted. JWTs are always verified by signature. */
  readonly introspection?: IntrospectionOptions | undefined
  /**
   * Most seconds since the user authenticated at the identity provider (OpenID Connect `max_age`), 60 to 86400. Checked at the sign-in,
   * when the form is opened and when it is sent. Default: not checked.
   */
  readonly maxAuthAgeSeconds?: number | undefined
  /**
   * Accepted values of `acr` in the ID token (OpenID Connect Core 1.0 §2), e.g. the one that means two factors. The token must carry one of
   * them. Default: not checked.
   */
  readonly acrValues?: readonly string[] | undefined
  /**
   * Lets MCP clients log in through this server, at a provider where they cannot register themselves: Entra ID, Okta, Google. Clients are
   * then told that this server is the authorization server. Default: they are sent to the issuer.
   */
  readonly clientLogin?: ClientLoginOptions | undefined
  /** Accept an http issuer off loopback. Everyone on the path can then sign in as anyone. Default false. */
  readonly dangerouslyAllowHttpIssuer?: boolean | undefined
}

/** Every algorithm that can be allowed. Shared-secret algorithms (HS*) are absent, because every verifier could also forge. */
export const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

export type AsymmetricAlgorithm = (typeof ASYMMETRIC_ALGORITHMS)[number]

const issuer = z
  .string()
  .max(MAX_IDENTITY_LENGTH)
  .refine(isIssuerUrl, 'must be the URL of an issuer, without query, fragment, user name or spaces')

const audience = z
  .string()
  .min(1)
  .max(2_048)
  .refine(
    (text) => !/^https?:/.test(text) || isResourceUrl(text),
    'must be https (http on loopback) and have no fragment',
  )

const claim = z
  .string()
  .regex(/^[\x21-\x7E]{1,200}$/, 'must be the name of a claim')
  .refine((name) => !REASSIGNABLE_CLAIMS.includes(name), {
    message:
      'must be a claim that always identifies the same person; e-mail addresses and user names can pass to another person',
  })

const scope = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'must be one value, without spaces')

export const oidcOptions = z
  .strictObject({
    issuer,
    displayName: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .refine((name) => isWellFormed(name) && !hasControlCharacter(name), 'must have no control characters')
      .optional(),
    clientId: z.string().min(1).max(255),
    clientSecret: z.string().min(1).optional(),
    clientSecretFile: z.string().min(1).optional(),
    audience: audience.optional(),
    scopes: z.array(scope).default([]),
    loginScopes: z
      .string()
      .refine((text) => text.split(' ').includes('openid'), 'must contain openid')
      .default('openid profile'),
    algorithms: z
      .array(z.enum(ASYMMETRIC_ALGORITHMS))
      .min(1)
      .default([...ASYMMETRIC_ALGORITHMS]),
    subjectClaim: claim.default('sub'),
    idTokenSubjectClaim: claim.optional(),
    issuerAliases: z.array(issuer).default([]),
    clockToleranceSeconds: z.int().min(0).max(300).default(30),
    rememberTokenSeconds: z.int().min(0).max(300).default(60),
    requireTokenType: z.boolean().default(false),
    allowMachineTokens: z.boolean().default(false),
    introspection: introspectionSchema.optional(),
    maxAuthAgeSeconds: z.int().min(60).max(86_400).optional(),
    acrValues: z.array(scope).max(16).default([]),
    clientLogin: clientLoginSchema.optional(),
    dangerouslyAllowHttpIssuer: z.boolean().default(false),
  } satisfies OptionSchemas<OidcOptions>)
  .superRefine((options, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const isExposed =
      options.issuer.startsWith('http:') && isIssuerUrl(options.issuer) && !isLoopback(new URL(options.issuer))
    if (isExposed && !options.dangerouslyAllowHttpIssuer) {
      problem('issuer', 'must be https; http is only for an identity provider on this machine')
    }
    if (options.clientSecret !== undefined && options.clientSecretFile !== undefined) {
      problem('clientSecretFile', 'cannot be given together with clientSecret')
    }
    const offered = options.clientLogin?.scopes
    if (offered && !options.scopes.every((name) => Object.hasOwn(offered, name))) {
      context.addIssue({ code: 'custom', path: ['clientLogin', 'scopes'], message: 'must have each of oidc.scopes' })
    }
    if (new Set([options.issuer, ...options.issuerAliases]).size !== options.issuerAliases.length + 1) {
      problem('issuerAliases', 'must not repeat the issuer or each other')
    }
  })

/** RFC 9728 §1.2. */
function isResourceUrl(text: string): boolean {
  const url = parsedUrl(text)
  if (!url || text.includes('#')) return false
  return url.protocol === 'https:' || isLoopback(url)
}

function isIssuerUrl(text: string): boolean {
  if (!/^https?:\/\/[\x21-\x7E]+$/.test(text) || /[?#\\]/.test(text)) return false
  const url = parsedUrl(text)
  return url?.username === '' && url.password === ''
}
