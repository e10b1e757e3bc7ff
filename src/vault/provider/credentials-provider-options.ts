import { AsyncLocalStorage } from 'node:async_hooks'
import { z } from 'zod'
import { functionOption, type OptionSchemas } from '../../core/model/options.ts'
import type { User } from '../../core/model/owner.ts'
import { isPlainName, MAX_PROVIDER_NAME_LENGTH } from '../../core/model/storage-key.ts'
import { parsedUrl } from '../../core/model/url-value.ts'
import type { FieldOf, VariablesOptions } from '../../core/model/variables.ts'
import { isHttpsOrLoopback } from '../../core/network/loopback.ts'
import type { ConnectionOptions } from '../../destinations/connection.ts'
import type { DestinationOptions } from '../../destinations/destination.ts'
import { type HttpCheck, isHttpCheck } from '../../destinations/http-check.ts'
import type { CredentialVault } from '../credential-vault.ts'
import type { OwnerFrom } from '../parts/owner-from-auth-info.ts'
import type { Verify } from './provider-form.ts'
import type { OwnVaultOptions } from './provider-vault.ts'

export interface CredentialsProviderOptions<V extends VariablesOptions, A extends string = string>
  extends OwnVaultOptions {
  /** In URLs, backend paths and audit lines: lower-case letters, digits and single hyphens, 1 to 40 characters. */
  readonly name: string
  /** The name of the service that users see. Default: `name` with a capital letter. */
  readonly label?: string
  /**
   * Further accounts that one user may have at the service, besides the one without a name: at most 20 names like `name`. A handler or a
   * gate chooses one; each has a form, a state and a storage key of its own, named `jira@work`. Default: none.
   */
  readonly accounts?: readonly A[]
  /** The form's fields, and the credential's. */
  readonly variables: V
  /** Guide for the user in Markdown: where to make the token, which rights it needs. Raw HTML in it is shown as text. */
  readonly doc?: string
  /** The opened vault. Default: one of its own from `serverBaseUrl`, `backend` and `pendingStore`, or the process-wide one. */
  readonly vault?: CredentialVault
  /** Holds the user of the call. Default: the verified token of the request itself. */
  readonly userContext?: AsyncLocalStorage<User>
  /** Finds the owner in the `authInfo` that a verifier left on the request. Default: the vault's `ownerFrom`. */
  readonly ownerFrom?: OwnerFrom
  /**
   * How long a call waits for its user, in seconds, 1 to 3600. Default 300. If the client requests no progress, the call answers after 50
   * s. No call waits longer than its link works.
   */
  readonly tokenTimeoutSeconds?: number
  /** Lets a reference outlive its call by this many seconds, 1 to 86400. Default: it ends with the call. */
  readonly referenceTtlSeconds?: number
  /** Destinations of a handle's `fetch()`, and how the credential is sent there. Default: none. */
  readonly destinations?: readonly DestinationOptions<NoInfer<V>>[]
  /** How the destinations are reached: authorities, a client certificate, time-outs, and an owner's share. */
  readonly connection?: ConnectionOptions | undefined
  /** Tries submitted values against the service before they are saved: a function, or what `httpCheck()` returns. */
  readonly verify?: Verify<NoInfer<V>> | HttpCheck<FieldOf<NoInfer<V>>>
  /** How long `verify` may take, in seconds, 1 to 120. Default 5. */
  readonly verifyTimeoutSeconds?: number
  /**
   * Lets the owner save values that the service could not be asked about. They are shown as unverified. Values that it rejected are never
   * saved. Default false.
   */
  readonly allowUnverified?: boolean
  /**
   * Whether the form asks for the date on which the credential ends at the service. If `verify` returns `expiresAt`, that counts instead.
   * Default: it does not ask.
   */
  readonly expiry?: 'optional' | 'required'
  /** Longest life of a saved credential, in days, 1 to 3650. After that it is `expired`, whatever the service says. Default: no limit. */
  readonly maxAgeDays?: number
  /**
   * Which answers of the service to a handle's `fetch()` say that the credential is dead, so that its owner has to enter another one. Don't
   * declare 403, 5xx or time-outs, which say nothing about it. It gets a copy of the answer. Default: status 401.
   */
  readonly rejectedWhen?: RejectedWhen
  /**
   * The service's own page on which users see and delete their tokens, shown after a revocation: an https URL without user and password, or
   * http on loopback. Default: none.
   */
  readonly manageUrl?: string
  /** Also withholds tool results that contain a secret shorter than 8 bytes. Default false. */
  readonly guardShortSecrets?: boolean
}

/** Chooses one of the provider's `accounts`. */
export interface AccountChoice<A extends string = string> {
  /** Default: the account that the gate found connected, or outside a gate the one without a name. */
  readonly account?: A | undefined
}

/** Whether a service's answer says that the credential is dead: expired, deleted or wrong. */
export type RejectedWhen = (answer: Response) => boolean | Promise<boolean>

/** A mistyped choice must not fall back to the account without a name, which is another credential. */
export const accountChoice = z.strictObject({ account: z.string().optional() } satisfies OptionSchemas<AccountChoice>)

const storage = z.instanceof(AsyncLocalStorage, { message: 'must be an AsyncLocalStorage' })

function isManageUrl(text: string): boolean {
  const url = parsedUrl(text)
  if (!url) return false
  if (url.username !== '' || url.password !== '') return false
  return isHttpsOrLoopback(url)
}

const plainName = z
  .string()
  .refine(
    isPlainName,
    `has 1 to ${MAX_PROVIDER_NAME_LENGTH} lower-case letters, digits and single hyphens and starts with a letter`,
  )

// Options of type unknown are checked by the part that uses them.
export const credentialsProviderOptions = z
  .strictObject({
    name: plainName,
    accounts: z
      .array(plainName)
      .max(20)
      .refine((names) => new Set(names).size === names.length, 'has each account once')
      .default([]),
    label: z.string().min(1).max(60).optional(),
    variables: z.unknown().optional(),
    doc: z.string().max(20_000).optional(),
    vault: z
      .custom<object>(
        (value) =>
          typeof value === 'object' && value !== null && 'attach' in value && typeof value.attach === 'function',
        'must be what openVault() resolves to',
      )
      .optional(),
    userContext: storage.optional(),
    ownerFrom: functionOption(),
    tokenTimeoutSeconds: z.int().min(1).max(3600).default(300),
    referenceTtlSeconds: z.int().min(1).max(86_400).optional(),
    destinations: z.unknown().optional(),
    connection: z.unknown().optional(),
    verify: z
      .custom(
        (value) => typeof value === 'function' || isHttpCheck(value),
        'must be a function or what httpCheck() returns',
      )
      .optional(),
    manageUrl: z
      .string()
      .max(500)
      .refine(isManageUrl, 'must be an https URL without user and password, or http on loopback')
      .optional(),
    verifyTimeoutSeconds: z.int().min(1).max(120).default(5),
    allowUnverified: z.boolean().default(false),
    expiry: z.enum(['optional', 'required']).optional(),
    maxAgeDays: z.int().min(1).max(3650).optional(),
    rejectedWhen: functionOption(),
    guardShortSecrets: z.boolean().default(false),
    serverBaseUrl: z.unknown().optional(),
    backend: z.unknown().optional(),
    pendingStore: z.unknown().optional(),
  } satisfies Record<keyof CredentialsProviderOptions<VariablesOptions>, z.ZodType>)
  .superRefine((options, context) => {
    if (options.vault === undefined) return
    for (const part of ['serverBaseUrl', 'backend', 'pendingStore'] as const) {
      if (options[part] === undefined) continue
      const params = { advice: 'Give it to openVault instead.' }
      context.addIssue({ code: 'custom', path: [part], message: 'belongs to the vault', params })
    }
  })
