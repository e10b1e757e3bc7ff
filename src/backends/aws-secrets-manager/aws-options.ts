import { z } from 'zod'
import { type Logger, loggerOption } from '../../core/host/logger.ts'
import type { OptionSchemas } from '../../core/model/options.ts'
import type { NameStyle } from '../vendor/vendor-name.ts'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** When they expire; the SDK asks again shortly before. */
  readonly expiration?: Date
}

/** Called when the SDK needs credentials, and again before they expire. */
export type AwsCredentialsProvider = () => Promise<AwsCredentials>

export interface AwsSecretsManagerOptions {
  /** Default: the SDK's own chain (`AWS_REGION`, the shared configuration file). */
  readonly region?: string | undefined
  /**
   * One provider, or one for reading and one for writing, so that each needs only half of the rights. With `read` alone nothing can be
   * written, with `write` alone nothing can be read. Default: the SDK's own chain (environment, shared files, container and instance
   * roles).
   */
  readonly credentials?:
    | AwsCredentialsProvider
    | { readonly read?: AwsCredentialsProvider | undefined; readonly write?: AwsCredentialsProvider | undefined }
    | undefined
  /** A VPC endpoint or an emulator. */
  readonly endpoint?: string | undefined
  /** Prefix of every secret's name. Default `mcp`. */
  readonly prefix?: string | undefined
  /** Whether names show issuer and subject; CloudTrail logs the names. Default `readable`. */
  readonly names?: NameStyle | undefined
  /** Key, alias or ARN of the KMS key that encrypts new secrets. Default `aws/secretsmanager`. */
  readonly kmsKeyId?: string | undefined
  /** Tags of every new secret, at most 30. */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Days during which the console can restore a revoked secret, 7 to 30. It no longer holds the user's value. Default 7. */
  readonly recoveryWindowDays?: number | undefined
  /** Called about weak or unusual conditions that are no errors. Default `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined
  /** A logger of pino's shape, which gets the same with `component` `aws-secrets-manager`. Default: none. */
  readonly logger?: Logger | undefined
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
  logger: loggerOption(),
} satisfies OptionSchemas<AwsSecretsManagerOptions>)
