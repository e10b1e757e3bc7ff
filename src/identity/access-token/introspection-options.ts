import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'

/** Lookup of opaque access tokens at the issuer (RFC 7662). Option `introspection` of `oidc()`. */
export interface IntrospectionOptions {
  /** Confidential client of this server with the right to introspect; not the form's client. 1 to 255 characters. */
  readonly clientId: string
  /** Its secret, sent as HTTP Basic. Give this or `clientSecretFile`; prefer the file. */
  readonly clientSecret?: string | undefined
  /** File that holds the secret, read once when the vault opens; surrounding white space is ignored. */
  readonly clientSecretFile?: string | undefined
  /** Seconds that an "active" answer is cached, 0 to 60. A revoked token works that much longer. Default 10. */
  readonly cacheSeconds?: number | undefined
}

export const introspectionSchema = z
  .strictObject({
    clientId: z.string().min(1).max(255),
    clientSecret: z.string().min(1).optional(),
    clientSecretFile: z.string().min(1).optional(),
    cacheSeconds: z.int().min(0).max(60).default(10),
  } satisfies OptionSchemas<IntrospectionOptions>)
  .refine(({ clientSecret, clientSecretFile }) => (clientSecret === undefined) !== (clientSecretFile === undefined), {
    path: ['clientSecretFile'],
    message: 'must be given, or clientSecret, and not both',
  })
