import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import type { ConnectionConfigOptions, OwnerLimitOptions, TimeoutOptions, TlsOptions } from './upstream-options.ts'

const seconds = (least: number, most: number) => z.number().min(least).max(most)

const tlsSchema = z
  .strictObject({
    ca: z
      .string()
      .min(1)
      .optional()
      .describe('PEM file with the authorities to trust for this server, instead of the usual ones.'),
    certificate: z.string().min(1).optional().describe("PEM file with the proxy's own certificate (mutual TLS)."),
    key: z.string().min(1).optional().describe("PEM file with that certificate's key, without a passphrase."),
  } satisfies OptionSchemas<TlsOptions>)
  .refine(
    ({ certificate, key }) => (certificate === undefined) === (key === undefined),
    'needs certificate and key together',
  )

const timeoutsSchema = z.strictObject({
  connectSeconds: seconds(0.1, 120).default(10).describe('Longest wait for a connection.'),
  answerSeconds: seconds(1, 3600).default(300).describe("Longest wait for the head of the server's answer."),
  silenceSeconds: seconds(1, 3600)
    .default(300)
    .describe('Longest silence within an answer. Standing streams may be silent.'),
} satisfies OptionSchemas<TimeoutOptions>)

const perOwnerSchema = z.strictObject({
  calls: z.int().min(1).max(1000).default(32).describe('Running requests of one user. A further one waits.'),
  streams: z.int().min(1).max(10_000).default(100).describe('Standing streams of one user. A further one waits.'),
} satisfies OptionSchemas<OwnerLimitOptions>)

/** How an upstream over HTTP is reached. */
export const connectionOptions = {
  timeouts: timeoutsSchema.optional().describe('How long the proxy waits for the server.'),
  tls: tlsSchema
    .optional()
    .describe('Files for a server with a certificate of your own authority, or one that asks for ours.'),
  perOwner: perOwnerSchema.optional().describe('What one user may have at once at the server.'),
} satisfies OptionSchemas<ConnectionConfigOptions>

/** What counts for an upstream over HTTP that names none of it. */
export interface ConnectionDefaults {
  readonly timeouts: z.output<typeof timeoutsSchema>
  readonly perOwner: z.output<typeof perOwnerSchema>
}

export const CONNECTION_DEFAULTS: ConnectionDefaults = {
  timeouts: timeoutsSchema.parse({}),
  perOwner: perOwnerSchema.parse({}),
}

export function tlsProblem(url: string, tls: unknown): string | undefined {
  return tls !== undefined && !/^https:/i.test(url) ? 'is for an https server' : undefined
}
