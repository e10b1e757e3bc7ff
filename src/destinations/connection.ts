import { z } from 'zod'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import type { ShareLimits } from './owner-shares.ts'

/** How the services of a provider are reached. */
export interface ConnectionOptions {
  /** PEM text of the authorities to trust instead of those of Node.js, for a service with a certificate of your own authority. */
  readonly ca?: string | undefined
  /** PEM text of the certificate to show a service that asks for one (mutual TLS). Needs `key`. */
  readonly certificate?: string | undefined
  /** PEM text of its key, without a passphrase. */
  readonly key?: string | undefined
  /** Longest wait for a connection, 0.1 to 120. Default 10. */
  readonly connectSeconds?: number | undefined
  /** Longest wait for the head of an answer, 1 to 3600. Default 300. */
  readonly answerSeconds?: number | undefined
  /** Longest silence within an answer, 1 to 3600. Default 300. */
  readonly silenceSeconds?: number | undefined
  /** Running requests of one owner at one service, 1 to 1000. Default 32. A further one waits up to 30 seconds. */
  readonly callsPerOwner?: number | undefined
}

/** What {@link ConnectionOptions} means to a bound fetch. Times are in milliseconds. */
export interface ConnectionSettings {
  readonly connectTimeout: number
  readonly headersTimeout: number
  /** 0 for a stream that may be silent for ever. */
  readonly bodyTimeout: number
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

const pem = z
  .string()
  .includes('-----BEGIN ', { error: 'must be PEM text, which has a line that begins with -----BEGIN' })
const seconds = (least: number) => z.number().min(least)

const connectionSchema = z
  .strictObject({
    ca: pem.optional(),
    certificate: pem.optional(),
    key: pem.optional(),
    connectSeconds: seconds(0.1).max(120).default(10),
    answerSeconds: seconds(1).max(3600).default(300),
    silenceSeconds: seconds(1).max(3600).default(300),
    callsPerOwner: z.int().min(1).max(1000).default(32),
  } satisfies OptionSchemas<ConnectionOptions>)
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    message: 'needs certificate and key together',
  })

/** @throws `configuration_invalid`, naming the option's path. It never quotes a key. */
export function connectionOf(
  options: ConnectionOptions,
  subject: string,
): { readonly connection: ConnectionSettings; readonly limits: ShareLimits } {
  const { ca, certificate, key, connectSeconds, answerSeconds, silenceSeconds, callsPerOwner } = parseOptions(
    connectionSchema,
    options,
    subject,
  )
  return {
    connection: {
      connectTimeout: connectSeconds * 1000,
      headersTimeout: answerSeconds * 1000,
      bodyTimeout: silenceSeconds * 1000,
      tls: { ...(ca !== undefined && { ca }), ...(certificate !== undefined && { cert: certificate, key: key ?? '' }) },
    },
    limits: { perOwner: callsPerOwner, perOrigin: 512, waiting: 1000, wait: 30_000 },
  }
}
