import { z } from 'zod'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import { isUrl, isWebUrl } from '../core/model/url-value.ts'
import { jsonPointerSchema } from './json-pointer.ts'

export type JsonScalar = string | number | boolean | null

/** The request by which a new credential is tried, and how its answer is read. `Field` is the union of the provider's variable names. */
export interface HttpCheckOptions<Field extends string = string> {
  /**
   * An absolute URL at one of the provider's `destinations`; `/path`, which is appended to the only destination; or a path below the address
   * in a field that is a destination. The credential goes into the header of that destination.
   */
  readonly url: string | { readonly fromField: Field; readonly path: string }
  /** A body that is posted as JSON. Default: the request is a GET. */
  readonly json?: unknown
  /** Further headers. Default `accept: application/json`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Values that the JSON answer must have, by JSON pointer (RFC 6901). With another value there is no verdict. */
  readonly expect?: Readonly<Record<string, JsonScalar>>
  /** Values with which a 200 means that the service rejects the credential, by JSON pointer. */
  readonly refuse?: Readonly<Record<string, readonly JsonScalar[]>>
  /** Where the answer has the account's name, as a JSON pointer such as `/displayName`. Default: it is not shown. */
  readonly account?: string
  /** Where the answer says when the credential ends: a JSON pointer or a response header. Default: the end is not known. */
  readonly expires?: string | { readonly header: string }
  /** What the user reads for a status that rejects the credential: 400 to 499, or 203. Defaults for 401 and 403, and for 404 at the user's address. */
  readonly problems?: Readonly<Record<number, string>>
}

/** A `verify` that asks the service with one request. Made by {@link httpCheck}. */
export interface HttpCheck<Field extends string = string> {
  readonly httpCheck: HttpCheckOptions<Field>
}

/** The field that a check's URL names. */
export type FieldIn<Url> = Url extends { readonly fromField: infer Field extends string } ? Field : never

const path = z.string().regex(/^\/(?![/\\])/, 'must begin with a single slash')
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])
const REFUSING = /^(?:203|4(?!29)\d\d)$/

const httpCheckSchema = z.strictObject({
  url: z.union(
    [
      path,
      z.string().refine((text) => isUrl(text) && isWebUrl(new URL(text))),
      z.strictObject({ fromField: z.string().min(1), path }),
    ],
    { error: 'must be an absolute URL, a path that begins with /, or { fromField, path }' },
  ),
  json: z.unknown().optional(),
  headers: z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/), z.string().regex(/^[\x20-\x7e]*$/)).optional(),
  expect: z.record(jsonPointerSchema, scalar).optional(),
  refuse: z.record(jsonPointerSchema, z.array(scalar).min(1)).optional(),
  account: jsonPointerSchema.optional(),
  expires: z.union([jsonPointerSchema, z.strictObject({ header: z.string().min(1) })]).optional(),
  problems: z
    .record(
      z.string().regex(REFUSING, 'has a status that says nothing about the credential'),
      z.string().min(1).max(500),
    )
    .optional(),
} satisfies OptionSchemas<HttpCheckOptions>)

/**
 * Makes the `verify` of a provider: one request to the service, sent as a handle's `fetch()` sends its own, to declared destinations only
 * and without following any redirect. It takes 5 seconds at most and reads 256 KiB at most.
 *
 * A 200 or 204 accepts the credential; a 401 or 403 rejects it. A 429, a 5xx, a redirect, a time-out and an answer that is not the expected
 * JSON are no verdict: nothing is saved, and the user may try again.
 *
 * @throws `configuration_invalid`, naming the option's path
 * @example
 * ```ts
 * import { CredentialsProvider, httpCheck } from 'mcp-credential-vault'
 *
 * const jira = new CredentialsProvider({
 *   name: 'jira',
 *   variables: { pat: { label: 'Token', type: 'password' } },
 *   destinations: [{ origin: 'https://jira.example.com', header: { scheme: 'Bearer', field: 'pat' } }],
 *   verify: httpCheck({ url: '/rest/api/2/myself', account: '/displayName' }),
 * })
 * ```
 */
export function httpCheck<const O extends HttpCheckOptions>(options: O): HttpCheck<FieldIn<O['url']>> {
  parseOptions(httpCheckSchema, options, 'httpCheck')
  const check: HttpCheck = { httpCheck: options }
  return check as HttpCheck<FieldIn<O['url']>>
}

/** Whether a provider's `verify` was made by {@link httpCheck}, of this copy of the package or another. */
export function isHttpCheck(verify: unknown): verify is HttpCheck {
  return typeof verify === 'object' && verify !== null && 'httpCheck' in verify
}
