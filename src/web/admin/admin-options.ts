import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import { MAX_IDENTITY_LENGTH, type Owner } from '../../core/model/owner.ts'

/** The admin API. Without these options it does not exist. */
export interface AdminOptions {
  /** Scope that an operator's access token must have. Default `mcp:admin`. No other scope of the identity mode is required of it. */
  readonly scope?: string | undefined
  /** The operators, by the issuer and subject of their tokens, at most 1000. Default: everyone whose token has the scope. */
  readonly operators?: readonly Owner[] | undefined
  /** Requests of one address, 1 to 1000000. Default 600. */
  readonly requestsPerMinute?: number | undefined
  /** Lets an identity provider report users who were disabled (SCIM 2.0): one entry for each provider. Default: none. */
  readonly scim?: ScimOptions | readonly ScimOptions[] | undefined
}

/** One identity provider that provisions by SCIM. */
export interface ScimOptions {
  /** The issuer of its users, exactly as `oidc` has it. */
  readonly issuer: string
  /** The SCIM attribute that equals the users' OpenID Connect subject. */
  readonly subjectFrom: 'externalId' | 'userName'
  /** Its bearer token: 32 to 1024 letters, digits and `-._~+/=`. Give this or `tokenFile`; prefer the file. */
  readonly token?: string | undefined
  /** File that holds the token, read once when the vault opens; surrounding white space is ignored. */
  readonly tokenFile?: string | undefined
}

export const DEFAULT_ADMIN_SCOPE = 'mcp:admin'
export const DEFAULT_ADMIN_REQUESTS = 600
export const SUBJECT_ATTRIBUTES = ['externalId', 'userName'] as const
/** A token of RFC 6750 §2.1, long enough that nobody guesses it. */
export const SCIM_TOKEN = /^(?=.{32,1024}$)[A-Za-z0-9\-._~+/]+=*$/

const identityPart = z.string().min(1).max(MAX_IDENTITY_LENGTH)
const scope = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/, 'must be one scope, without spaces')

export const scimSchema = z
  .strictObject({
    issuer: identityPart,
    subjectFrom: z.enum(SUBJECT_ATTRIBUTES),
    token: z.string().regex(SCIM_TOKEN, 'must have 32 to 1024 characters: letters, digits and -._~+/=').optional(),
    tokenFile: z.string().min(1).optional(),
  } satisfies OptionSchemas<ScimOptions>)
  .refine(({ token, tokenFile }) => (token === undefined) !== (tokenFile === undefined), {
    path: ['tokenFile'],
    message: 'give tokenFile or token, and not both',
  })

/** Wraps a single entry in a list, so that the errors of both forms name the same path. */
function asArray(given: ScimOptions | readonly ScimOptions[] | undefined): readonly ScimOptions[] | undefined {
  return given === undefined || isArray(given) ? given : [given]
}

/** `Array.isArray` does not narrow to a read-only array. */
function isArray(given: ScimOptions | readonly ScimOptions[]): given is readonly ScimOptions[] {
  return Array.isArray(given)
}

export const adminSchema = z.strictObject({
  scope: scope.default(DEFAULT_ADMIN_SCOPE),
  operators: z
    .array(z.strictObject({ issuer: identityPart, subject: identityPart } satisfies OptionSchemas<Owner>))
    .min(1)
    .max(1000)
    .optional(),
  requestsPerMinute: z.int().min(1).max(1_000_000).default(DEFAULT_ADMIN_REQUESTS),
  scim: z
    .custom<ScimOptions | readonly ScimOptions[]>()
    .optional()
    .transform(asArray)
    .pipe(z.array(scimSchema).min(1).max(100).default([])),
} satisfies OptionSchemas<AdminOptions>)

export type CheckedAdmin = z.output<typeof adminSchema>
