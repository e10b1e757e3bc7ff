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

/** How an upstream over HTTP is reached. */
export const connectionOptions = {
  timeouts: z
    .strictObject({
      connectSeconds: seconds(0.1, 120).default(10).describe('Longest wait for a connection.'),
      answerSeconds: seconds(1, 3600).default(300).describe("Longest wait for the head of the server's answer."),
      silenceSeconds: seconds(1, 3600)
        .default(300)
        .describe('Longest silence within an answer. Standing streams may be silent.'),
    } satisfies OptionSchemas<TimeoutOptions>)
    .prefault({}),
  tls: tlsSchema
    .optional()
    .describe('Files for a server with a certificate of your own authority, or one that asks for ours.'),
  perOwner: z
    .strictObject({
      calls: z.int().min(1).max(1000).default(32).describe('Running requests of one user. A further one waits.'),
      streams: z.int().min(1).max(10_000).default(100).describe('Standing streams of one user. A further one waits.'),
    } satisfies OptionSchemas<OwnerLimitOptions>)
    .prefault({}),
} satisfies OptionSchemas<ConnectionConfigOptions>

export type CheckedConnection = z.output<z.ZodObject<typeof connectionOptions>>

export function tlsProblem(url: string, tls: unknown): string | undefined {
  return tls !== undefined && !/^https:/i.test(url) ? 'is for an https server' : undefined
}
