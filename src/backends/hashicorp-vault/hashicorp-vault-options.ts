import { z } from 'zod'
import { type Logger, loggerOption } from '../../core/host/logger.ts'
import type { OptionSchemas } from '../../core/model/options.ts'
import type { NameStyle } from '../vendor/vendor-name.ts'
import { authSchema, type HashicorpVaultAuthOptions } from './auth/auth-options.ts'
import { type HashicorpVaultTlsOptions, tlsSchema } from './transport/tls.ts'

export interface HashicorpVaultOptions {
  /**
   * `https://vault.example.com:8200`, or `unix:///run/vault/agent.sock`. A list names the nodes of one cluster: when a node cannot be
   * reached the next one is asked, and redirects are followed only to listed nodes. Plain http is accepted on loopback only.
   */
  readonly address: string | readonly string[]
  /**
   * How this server logs in: one login, or one for reading and one for writing, so that each needs only half of the rights. A process that
   * only collects credentials gets `write` alone, a process that only runs tools gets `read` alone.
   */
  readonly auth:
    | HashicorpVaultAuthOptions
    | { readonly read?: HashicorpVaultAuthOptions | undefined; readonly write?: HashicorpVaultAuthOptions | undefined }
  /**
   * Reads a user's credential with the user's own token: logs in with the JWT that the vault's `assertion` option returns, and a templated
   * policy in Vault allows that user's path only. Vault then counts each user as a client.
   */
  readonly userAuth?: { readonly mount?: string | undefined; readonly role: string } | undefined
  /** Mount of a KV version 2 secrets engine. Default `secret`. */
  readonly mount?: string | undefined
  /** Path below the mount that holds all credentials. Default `mcp`. */
  readonly prefix?: string | undefined
  /** Namespace of the mount (OpenBao, Vault Enterprise). */
  readonly namespace?: string | undefined
  /** Namespace of the login, if it differs. Default `namespace`. */
  readonly authNamespace?: string | undefined
  /** Whether Vault's paths show issuer and subject. Default `readable`. */
  readonly names?: NameStyle | undefined
  readonly tls?: HashicorpVaultTlsOptions | undefined
  /** Accepts `http://` to other machines, which sends tokens and credentials in clear. Warns at start. */
  readonly dangerouslyAllowHttp?: boolean | undefined
  /** Called about weak or unusual conditions that are no errors. Default `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined
  /** A logger of pino's shape, which gets the same with `component` `hashicorp-vault`. Default: none. */
  readonly logger?: Logger | undefined
}

const path = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w-]*(?:\/[A-Za-z0-9][\w-]*)*$/,
    'must be letters, digits, - and _, with slashes in between and none at either end',
  )

const eitherSchema = z
  .strictObject({ read: authSchema.optional(), write: authSchema.optional() })
  .refine((auth) => auth.read ?? auth.write, { error: 'needs read, write or both' })

const userAuthSchema = z.strictObject({ mount: path.default('jwt'), role: z.string().min(1) })

export const hashicorpVaultSchema = z.strictObject({
  address: z.union([z.string(), z.array(z.string()).min(1)]).transform((address) => [address].flat()),
  auth: z.custom<HashicorpVaultOptions['auth']>().transform((auth, context) => {
    const single = typeof auth === 'object' && auth !== null && 'method' in auth
    const parsed = (single ? authSchema : eitherSchema).safeParse(auth)
    if (!parsed.success) {
      for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: undefined })
      return z.NEVER
    }
    return 'method' in parsed.data ? { read: parsed.data, write: parsed.data } : parsed.data
  }),
  userAuth: userAuthSchema.optional(),
  mount: path.default('secret'),
  prefix: path.default('mcp'),
  namespace: path.optional(),
  authNamespace: path.optional(),
  names: z.enum(['readable', 'hashed']).default('readable'),
  tls: tlsSchema.default({}),
  dangerouslyAllowHttp: z.boolean().default(false),
  warn: z.custom<(message: string) => void>((value) => typeof value === 'function', 'must be a function').optional(),
  logger: loggerOption(),
} satisfies OptionSchemas<HashicorpVaultOptions>)
