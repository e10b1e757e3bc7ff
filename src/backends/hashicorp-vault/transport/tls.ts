import { readFile } from 'node:fs/promises'
import { buildConnector } from 'undici'
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
    error: 'certFile and keyFile belong together',
  })

const CONNECT_MILLISECONDS = 3_000

/** Connects as the options say and ignores the environment (`HTTPS_PROXY`, `VAULT_SKIP_VERIFY`, `VAULT_CACERT`). */
export function tlsConnector(tls: HashicorpVaultTlsOptions, socketPath: string | undefined): buildConnector.connector {
  const { passphrase, serverName } = tls
  return (target, callback) => {
    readFiles(tls).then(
      ({ ca, cert, key }) =>
        buildConnector({
          timeout: CONNECT_MILLISECONDS,
          minVersion: 'TLSv1.2',
          rejectUnauthorized: tls.dangerouslySkipVerification !== true,
          ...(socketPath !== undefined && { socketPath }),
          ...(ca !== undefined && { ca }),
          ...(cert !== undefined && { cert, key }),
          ...(passphrase !== undefined && { passphrase }),
          ...(serverName !== undefined && { servername: serverName }),
        })(target, callback),
      () => callback(Object.assign(new Error('a TLS file cannot be read'), { code: 'ERR_TLS_FILE' }), null),
    )
  }
}

async function readFiles(tls: HashicorpVaultTlsOptions) {
  const [ca, cert, key] = await Promise.all(
    [tls.caFile, tls.certFile, tls.keyFile].map((path) => (path === undefined ? undefined : readFile(path, 'utf8'))),
  )
  return { ca: ca ?? tls.ca, cert, key }
}
