import { readFile } from 'node:fs/promises'
import { buildConnector } from 'undici'
import type { HashicorpVaultTlsOptions } from './tls.ts'

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
