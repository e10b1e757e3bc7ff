import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import type { NameStyle } from '../vendor/vendor-name.ts'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** When they end; asked for again shortly before. */
  readonly expiration?: Date
}

/** Asked when the SDK needs credentials, and again before they end. */
export type AwsCredentialsProvider = () => Promise<AwsCredentials>

export interface AwsSecretsManagerOptions {
  /** Default: the SDK's own chain (`AWS_REGION`, the shared configuration file). */
  readonly region?: string | undefined
  /**
   * Default: the SDK's own chain (environment, shared files, container and instance roles). One provider, or one for reading and one for
   * writing, so that each may hold only half of the rights. With `read` alone nothing can be written, with `write` alone nothing read.
   */
  readonly credentials?:
    | AwsCredentialsProvider
    | { readonly read?: AwsCredentialsProvider | undefined; readonly write?: AwsCredentialsProvider | undefined }
    | undefined
  /** A VPC endpoint or an emulator. */
  readonly endpoint?: string | undefined
  /** What every secret's name begins with. Default `mcp`. */
  readonly prefix?: string | undefined
  /** Whether issuer and subject can be read in the names, which CloudTrail shows. Default `readable`. */
  readonly names?: NameStyle | undefined
  /** Key, alias or ARN that new secrets are encrypted with. Default `aws/secretsmanager`. */
  readonly kmsKeyId?: string | undefined
  /** Put on every new secret. At most 30. */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Days in which a revoked secret can be restored in the console, 7 to 30. It holds no value of the user's by then. Default 7. */
  readonly recoveryWindowDays?: number | undefined
  /** Told of what is weak or strange yet no error. Default `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined
}

const callable = <T>() => z.custom<T>((value) => typeof value === 'function', 'must be a function')

const credentialsSchema = z.union([
  callable<AwsCredentialsProvider>().transform((provider) => ({ read: provider, write: provider })),
  z
    .strictObject({
      read: callable<AwsCredentialsProvider>().optional(),
      write: callable<AwsCredentialsProvider>().optional(),
    })
    .refine((given) => given.read ?? given.write, { error: 'needs read, write or both' }),
])

export const awsSchema = z.strictObject({
  region: z.string().min(1).optional(),
  credentials: credentialsSchema.optional(),
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  prefix: z
    .string()
    .regex(
      /^[A-Za-z0-9_+=.@-]+(?:\/[A-Za-z0-9_+=.@-]+)*$/,
      'must be letters, digits and _+=.@- with slashes in between',
    )
    .max(150)
    .default('mcp'),
  names: z.enum(['readable', 'hashed']).default('readable'),
  kmsKeyId: z.string().min(1).optional(),
  tags: z
    .record(z.string().min(1).max(128), z.string().max(256))
    .refine((tags) => Object.keys(tags).length <= 30, 'are more than 30')
    .default({}),
  recoveryWindowDays: z.int().min(7).max(30).default(7),
  warn: callable<(message: string) => void>().optional(),
} satisfies OptionSchemas<AwsSecretsManagerOptions>)
