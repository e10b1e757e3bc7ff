import { optionalPackage } from '../../vendor/optional-package.ts'
import type { HashicorpVaultAnswer, HashicorpVaultRequest, HashicorpVaultSend } from './exchange.ts'
import type { HashicorpVaultTransport } from './transport.ts'

/** What reaches the seam below node-vault: our own options, and what node-vault added. */
interface SeamOptions {
  readonly uri: string
  readonly headers: Readonly<Record<string, string>>
  readonly ours: HashicorpVaultRequest
}

/**
 * Requests through node-vault, with our transport below it. Of node-vault only `request` is called, with fresh headers that carry the
 * token: its own transport follows redirects with the token, uses proxies of the environment and shows tokens in its errors, its login
 * commands share one token between callers, and its renewal never stops for a token of 768 hours.
 */
export async function nodeVaultSend(origin: string, transport: HashicorpVaultTransport): Promise<HashicorpVaultSend> {
  const { default: nodeVault } = await optionalPackage('node-vault', 'vault', () => import('node-vault'))
  const client = nodeVault({
    endpoint: origin,
    apiVersion: 'v1',
    // It would print written values and login secrets under DEBUG.
    debug: () => undefined,
    'request-promise': {
      defaults: () => async (options: SeamOptions) => {
        // Made of storage keys and configured names only, so that there is nothing to normalise.
        const target = options.uri.slice(origin.length)
        const answer = await transport.send({ ours: options.ours, target, headers: options.headers })
        return { statusCode: answer.status, answer, request: { path: target } }
      },
    },
  })
  // What node-vault took from VAULT_TOKEN, VAULT_NAMESPACE and VAULT_PREFIX is nobody's wish here.
  Object.assign(client, { token: '', namespace: '', pathPrefix: '' })
  // Every status comes back: which one is an error is decided in one place.
  client.handleVaultResponse = async (response) => (response as unknown as { answer: HashicorpVaultAnswer }).answer

  return (request) =>
    client.request({
      method: request.method,
      path: `/${request.path}`,
      headers: headersOf(request),
      ours: request,
    }) as Promise<HashicorpVaultAnswer>
}

function headersOf({ method, token, namespace, correlationId }: HashicorpVaultRequest): Record<string, string> {
  // Asked for by agents and proxies that guard against forged requests of browsers.
  const headers: Record<string, string> = { 'x-vault-request': 'true' }
  if (method === 'PATCH') headers['content-type'] = 'application/merge-patch+json'
  if (token) headers['X-Vault-Token'] = token
  if (namespace) headers['X-Vault-Namespace'] = namespace
  if (correlationId) headers['x-correlation-id'] = correlationId
  return headers
}
