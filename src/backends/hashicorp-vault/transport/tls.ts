import { z } from 'zod'
import type { OptionSchemas } from '../../../core/model/options.ts'

export interface HashicorpVaultTlsOptions {
  /** PEM of the authorities to trust instead of Node's own. */
  readonly ca?: string | undefined
  /** File of these. It is read again for each connection, so that it can be replaced while the server runs. */
  readonly caFile?: string | undefined
  /** Client certificate, PEM, with its intermediates. Read again for each connection. */
  readonly certFile?: string | undefined
  /** Private key of the client certificate, PEM. */
  readonly keyFile?: string | undefined
  readonly passphrase?: string | undefined
  /** Name that the server's certificate must carry, if it is not the address's host. */
  readonly serverName?: string | undefined
  /** Accepts any certificate, so that an attacker on the network can read every token and credential. Warns at start. */
  readonly dangerouslySkipVerification?: boolean | undefined
}

const file = z.string().min(1).optional()

export const tlsSchema = z
  .strictObject({
    ca: z.string().min(1).optional(),
    caFile: file,
    certFile: file,
    keyFile: file,
    passphrase: z.string().optional(),
    serverName: z.string().min(1).optional(),
    dangerouslySkipVerification: z.boolean().optional(),
  } satisfies OptionSchemas<HashicorpVaultTlsOptions>)
  .refine((tls) => !(tls.ca && tls.caFile), { path: ['ca'], error: 'give either ca or caFile' })
  .refine((tls) => (tls.certFile === undefined) === (tls.keyFile === undefined), {
    path: ['certFile'],
    error: 'it and vaultBackend.tls.keyFile belong together',
    params: { advice: 'Set both, or neither.' },
  })
