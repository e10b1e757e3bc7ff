import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import { localOwner, localUser } from '../../identity/local-user.ts'
import type { CredentialVault } from '../credential-vault.ts'
import { openVault } from '../open-vault.ts'
import { type OpenVaultOptions, openVaultOptions } from '../open-vault-options.ts'

/** The options that a vault for one person on one machine sets itself. */
type Decided =
  | 'serverBaseUrl'
  | 'identity'
  | 'verifyToken'
  | 'ownerFrom'
  | 'trustedProxies'
  | 'allowedOrigins'
  | 'hstsIncludeSubdomains'
  | 'admin'

export interface LocalVaultOptions extends Omit<OpenVaultOptions, Decided> {
  /** Port of the form on 127.0.0.1, 0 to 65535. Default 0: any free one. */
  readonly port?: number
  /** The owner of the credentials, 1 to 255 characters. Default: the name of the operating system's user. */
  readonly name?: string
}

const localVaultOptions = openVaultOptions
  .omit({
    serverBaseUrl: true,
    identity: true,
    verifyToken: true,
    ownerFrom: true,
    trustedProxies: true,
    allowedOrigins: true,
    hstsIncludeSubdomains: true,
    admin: true,
  })
  .extend({ port: z.int().min(0).max(65_535).default(0), name: z.string().min(1).max(255).optional() })

/**
 * Opens a vault for a server that is not on HTTP, such as one on stdio: it serves the form itself, on 127.0.0.1, and every call is
 * that of the one person at this machine (`localUser()`). Nothing of it keeps the process alive; `close()` closes the port.
 *
 * @throws what `openVault` throws, and `configuration_invalid` (`reason: 'port'`) when the port cannot be had
 * @example
 * ```ts
 * import { openLocalVault, sealedFile } from 'mcp-credential-vault'
 *
 * const backend = sealedFile({ folder: '/home/alice/.tickets-mcp/data' })
 * const vault = await openLocalVault({ backend, serverName: 'Tickets on this computer' })
 * ```
 */
export async function openLocalVault(options: LocalVaultOptions): Promise<CredentialVault> {
  const { port, name } = parseOptions(localVaultOptions, options, 'openLocalVault')
  const { port: _port, name: _name, ...vaultOptions } = options
  const owner = localOwner(name)
  let answer: RequestListener = (_request, response) => response.writeHead(503).end()
  // The server listens before the vault opens, because the vault must know the port.
  const server = createServer((request, response) => answer(request, response))
  server.requestTimeout = 30_000
  server.unref()
  const serverBaseUrl = `http://127.0.0.1:${await listen(server, port)}`
  try {
    const vault = await openVault({
      ...vaultOptions,
      serverBaseUrl,
      identity: localUser({ name: owner.subject }),
      ownerFrom: () => owner,
    })
    answer = vault.nodeHandler()
    vault.onClose(async ({ idle }) => {
      await idle
      await close(server)
    })
    return vault
  } catch (error) {
    await close(server)
    throw error
  }
}

async function listen(server: Server, port: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  } catch {
    throw new CredentialVaultError(
      'configuration_invalid',
      `openLocalVault.port: cannot listen on 127.0.0.1:${port}; another program may use it. Choose another port, or leave port out for any free one.`,
      { reason: 'port' },
    )
  }
  return (server.address() as AddressInfo).port
}

const LAST_ANSWERS = 1_000

/** Waits for the last answers to be taken. */
async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const late = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS)
  await closed
  clearTimeout(late)
}
