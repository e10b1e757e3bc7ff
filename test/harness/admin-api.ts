import { randomUUID } from 'node:crypto'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend, WriteIntent } from '../../src/core/ports/secret-backend.ts'
import { type Harness, type HarnessOptions, startHarness } from './mcp-harness.ts'

export const SCIM_TOKEN = 'scim-token-0123456789abcdef0123456789abcdef'

export interface Sent {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests compare what they expect of the JSON
  readonly body: any
  readonly headers: Headers
  readonly text: string
}

/** A server with the admin API, and a token of an operator. */
export interface AdminHarness extends Harness {
  readonly operatorToken: string
  /** Sends a request below the API's path; with an operator's token unless another one is given. */
  admin(method: string, path: string, sent?: Sent): Promise<Answered>
  /** Sends a request below the SCIM endpoint, with the identity provider's token unless another one is given. */
  scim(method: string, path: string, sent?: Sent): Promise<Answered>
  /** Stores a credential as an operator would with the backend's own tool. */
  store(
    provider: string,
    user: string,
    values?: Readonly<Record<string, string>>,
    labels?: WriteIntent['labels'],
  ): Promise<void>
  status(provider: string, user: string): Promise<string>
}

export async function startAdminHarness(options: HarnessOptions = {}): Promise<AdminHarness> {
  const admin: HarnessOptions['admin'] = (issuer) => ({
    scim: { issuer, subjectFrom: 'externalId', token: SCIM_TOKEN },
  })
  const harness = await startHarness({ admin, ...options })
  const { backend, identityProvider, baseUrl } = harness
  const operatorToken = await identityProvider.issueAccessToken('olga', { scope: 'mcp:admin', clientId: 'ops-tool' })
  const keyOf = (provider: string, user: string) => storageKey(provider, harness.owner(user))
  return {
    ...harness,
    operatorToken,
    admin: (method, path, sent = {}) =>
      send(`${baseUrl}/credentials/admin/${path}`, method, { token: operatorToken, ...sent }, 'application/json'),
    scim: (method, path, sent = {}) =>
      send(
        `${baseUrl}/credentials/admin/scim/v2/${path}`,
        method,
        { token: SCIM_TOKEN, ...sent },
        'application/scim+json',
      ),
    async store(provider, user, values = { pat: `pat-of-${user}-91c27f` }, labels = undefined) {
      const intent = { expect: 'any', operationId: randomUUID(), audit: { writer: 'test', seq: 1 }, labels } as const
      await backend.write(keyOf(provider, user), values, intent, CALL)
    },
    status: async (provider, user) => (await backend.stat(keyOf(provider, user), CALL)).status,
  }
}

const CALL = { signal: new AbortController().signal, correlationId: 'test' }

async function send(url: string, method: string, { token, body, headers }: Sent, type: string): Promise<Answered> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': type }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return { status: response.status, body: isJson ? JSON.parse(text) : undefined, headers: response.headers, text }
}

/** Breaks the revocation of one provider until `mend` is called. */
export function breakable(backend: SecretBackend, provider: string, error: () => Error) {
  let broken = true
  const wrapped: SecretBackend = {
    ...backend,
    revoke: async (key, ...given) => {
      if (broken && key.provider === provider) throw error()
      return backend.revoke(key, ...given)
    },
  }
  const mend = () => {
    broken = false
  }
  return { backend: wrapped, mend }
}
