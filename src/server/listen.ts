import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Koa from 'koa'
import { CredentialVaultError } from '../core/model/errors.ts'

/** The URL at which it listens, e.g. `http://127.0.0.1:8005`. */
export function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** Milliseconds for a request and for its head, checked once a second, so that a slow sender cannot hold a connection. */
const TIMEOUTS = { requestTimeout: 30_000, headersTimeout: 15_000, connectionsCheckingInterval: 1_000 } as const

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is used by another program: stop it, or choose another port with --port',
  EACCES: 'is not open to this user: choose one above 1023 with --port',
  EADDRNOTAVAIL: 'is not an address of this machine: choose another with --host',
  ENOTFOUND: 'is not an address of this machine: choose another with --host',
}

/**
 * Serves an application on one address, with timeouts that a slow sender cannot exceed. Port 0 takes a free one.
 *
 * @throws `configuration_invalid` (`reason: 'port'`), saying what to do
 */
export function listen(app: Koa, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(TIMEOUTS, app.callback())
    server.listen(port, host, () => resolve(server))
    server.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      const why = LISTEN_PROBLEMS[code] ?? `cannot be used (${code})`
      reject(
        new CredentialVaultError('configuration_invalid', `Port ${port} on ${host} ${why}.`, {
          reason: 'port',
        }),
      )
    })
  })
}
