import { z } from 'zod'
import type { OptionSchemas } from '../../../core/model/options.ts'

/** The server's login method and the source of its secret. Files are read again at each login. */
export type HashicorpVaultAuthOptions =
  /** A token, or the file that Vault Agent writes it to, which is read again when it changes. */
  | { readonly method: 'token'; readonly token?: string | undefined; readonly tokenFile?: string | undefined }
  | {
      readonly method: 'approle'
      /** Default `approle`. */
      readonly mount?: string | undefined
      readonly roleId: string
      readonly secretId?: string | undefined
      readonly secretIdFile?: string | undefined
      /** File with a response-wrapping token of the secret id. The token works once, so the secret id is kept in memory. */
      readonly wrappedSecretIdFile?: string | undefined
      /** Name of the role. `wrappedSecretIdFile` needs it to check that the secret id belongs to this role. */
      readonly role?: string | undefined
    }
  | {
      readonly method: 'kubernetes'
      /** Default `kubernetes`. */
      readonly mount?: string | undefined
      readonly role: string
      /** The projected service account token. Default `/var/run/secrets/kubernetes.io/serviceaccount/token`. */
      readonly jwtFile?: string | undefined
    }
  | {
      readonly method: 'jwt'
      /** Default `jwt`. */
      readonly mount?: string | undefined
      readonly role: string
      readonly jwtFile?: string | undefined
      /** Called at each login. */
      readonly jwt?: (() => Promise<string>) | undefined
    }
  /** The client certificate of `tls.certFile`. */
  | { readonly method: 'cert'; readonly mount?: string | undefined; readonly role?: string | undefined }
  /** Vault Agent or Proxy with auto-auth, on loopback or a unix socket. */
  | { readonly method: 'agent' }
  /** Any other method: your function logs in, e.g. with a cloud's identity. */
  | { readonly method: 'custom'; readonly login: () => Promise<HashicorpVaultCustomLogin> }

export interface HashicorpVaultCustomLogin {
  readonly token: string
  /** Seconds; 0 for a token that never expires. */
  readonly ttlSeconds: number
  readonly renewable: boolean
}

const text = z.string().min(1)
const mount = text.regex(/^\w[\w-]*(?:\/\w[\w-]*)*$/, 'must be a path without a slash at either end')
/** Text that is valid in a header. */
export const tokenText = z.string().regex(/^[\x21-\x7e]+$/, 'must be one word of printable characters')
const asynchronous = <T>() => z.custom<() => Promise<T>>((value) => typeof value === 'function', 'must be a function')

type Method = HashicorpVaultAuthOptions['method']
type Schemas<M extends Method> = OptionSchemas<Extract<HashicorpVaultAuthOptions, { readonly method: M }>>

export const authSchema = z.discriminatedUnion('method', [
  z
    .strictObject({
      method: z.literal('token'),
      token: tokenText.optional(),
      tokenFile: text.optional(),
    } satisfies Schemas<'token'>)
    .refine((auth) => one(auth.token, auth.tokenFile), { error: 'give either token or tokenFile' }),
  z
    .strictObject({
      method: z.literal('approle'),
      mount: mount.default('approle'),
      roleId: text,
      secretId: text.optional(),
      secretIdFile: text.optional(),
      wrappedSecretIdFile: text.optional(),
      role: text.optional(),
    } satisfies Schemas<'approle'>)
    .refine((auth) => one(auth.secretId, auth.secretIdFile, auth.wrappedSecretIdFile), {
      error: 'give one of secretId, secretIdFile and wrappedSecretIdFile',
    })
    .refine((auth) => !auth.wrappedSecretIdFile || auth.role, {
      path: ['role'],
      error: 'wrappedSecretIdFile needs the name of the role',
    }),
  z.strictObject({
    method: z.literal('kubernetes'),
    mount: mount.default('kubernetes'),
    role: text,
    jwtFile: text.default('/var/run/secrets/kubernetes.io/serviceaccount/token'),
  } satisfies Schemas<'kubernetes'>),
  z
    .strictObject({
      method: z.literal('jwt'),
      mount: mount.default('jwt'),
      role: text,
      jwtFile: text.optional(),
      jwt: asynchronous<string>().optional(),
    } satisfies Schemas<'jwt'>)
    .refine((auth) => one(auth.jwtFile, auth.jwt), { error: 'give either jwtFile or jwt' }),
  z.strictObject({
    method: z.literal('cert'),
    mount: mount.default('cert'),
    role: text.optional(),
  } satisfies Schemas<'cert'>),
  z.strictObject({ method: z.literal('agent') } satisfies Schemas<'agent'>),
  z.strictObject({
    method: z.literal('custom'),
    login: asynchronous<HashicorpVaultCustomLogin>(),
  } satisfies Schemas<'custom'>),
])

export type HashicorpVaultAuth = z.output<typeof authSchema>

function one(...values: readonly unknown[]): boolean {
  return values.filter((value) => value !== undefined).length === 1
}
