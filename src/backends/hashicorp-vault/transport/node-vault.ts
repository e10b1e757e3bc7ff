import { optionalPackage } from '../../vendor/optional-package.ts'
import type { HashicorpVaultAnswer, HashicorpVaultRequest, HashicorpVaultSend } from './exchange.ts'
import type { HashicorpVaultTransport } from './transport.ts'

/** Options at the hook below node-vault: ours, and those that node-vault added. */
interface SeamOptions {
  readonly uri: string
  readonly headers: Readonly<Record<string, string>>
  readonly ours: HashicorpVaultRequest
}

/**
 * Sends requests through node-vault, with our transport below it. Only its `request` is called, with new headers that carry the token.
 * node-vault's own transport follows redirects with the token, uses proxies of the environment and shows tokens in its errors; its login
 * commands share one token between callers, and its renewal never stops for a token of 768 hours.
 */
export async function nodeVaultSend(origin: string, transport: HashicorpVaultTransport): Promise<HashicorpVaultSend> {
  const { default: nodeVault } = await optionalPackage('node-vault', 'vault', () => import('node-vault'))
  const client = nodeVault({
    endpoint: origin,
    apiVersion: 'v1',
    // node-vault would print written values and login secrets under DEBUG.
    debug: () => undefined,
    'request-promise': {
      defaults: () => async (options: SeamOptions) => {
        // The path consists of storage keys and configured names, so it needs no normalisation.
        const target = options.uri.slice(origin.length)
        const answer = await transport.send({ ours: options.ours, target, headers: options.headers })
        return { statusCode: answer.status, answer, request: { path: target } }
      },
    },
  })
  // Overwrite the token, namespace and prefix that node-vault read from the environment.
  Object.assign(client, { token: '', namespace: '', pathPrefix: '' })
  // Return every status: the client decides which one is an error.
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
  // Agents and proxies may require it, to block requests that a browser was tricked into.
  const headers: Record<string, string> = { 'x-vault-request': 'true' }
  if (method === 'PATCH') headers['content-type'] = 'application/merge-patch+json'
  if (token) headers['X-Vault-Token'] = token
  if (namespace) headers['X-Vault-Namespace'] = namespace
  if (correlationId) headers['x-correlation-id'] = correlationId
  return headers
}
