import { Agent, type Dispatcher } from 'undici'
import { CredentialVaultError } from '../../../core/model/errors.ts'
import { isJsonObject, parseUntrustedJson } from '../../../core/model/json.ts'
import { parsedUrl } from '../../../core/model/url-value.ts'
import type { HashicorpVaultAddress } from './addresses.ts'
import { changes, type HashicorpVaultAnswer, type HashicorpVaultRequest } from './exchange.ts'
import type { HashicorpVaultTlsOptions } from './tls.ts'
import { tlsConnector } from './tls-connector.ts'
import { mayGoElsewhere, misdirected, notHashicorpVault, unanswered } from './transport-error.ts'

/** A request as node-vault passes it to the transport. */
export interface TransportRequest {
  readonly ours: HashicorpVaultRequest
  /** Path with `/v1/`. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
}

export interface HashicorpVaultTransport {
  send(request: TransportRequest): Promise<HashicorpVaultAnswer>
  close(): Promise<void>
}

const MAX_ANSWER_BYTES = 1024 * 1024
/** Enough for a folder of a hundred thousand hashed names. */
const MAX_LIST_BYTES = 16 * MAX_ANSWER_BYTES
const MAX_REDIRECTS = 2
const MILLISECONDS_FOR_ONE = 1_500

/**
 * Sends HTTP requests to one of several Vault nodes: the one that answered last, or the next one when that is unreachable or fails.
 * Requests and tokens go to configured addresses only, whatever an answer or the environment says.
 */
export function createTransport(
  addresses: readonly HashicorpVaultAddress[],
  tls: HashicorpVaultTlsOptions,
): HashicorpVaultTransport {
  const agents = new Map<string | undefined, Agent>()
  for (const { socketPath } of addresses)
    if (!agents.has(socketPath)) agents.set(socketPath, new Agent({ connect: tlsConnector(tls, socketPath) }))
  const where = addresses.map(({ origin, socketPath }) => (socketPath ? `unix://${socketPath}` : origin)).join(', ')
  let preferred = 0

  function agentOf({ socketPath }: HashicorpVaultAddress): Agent {
    const agent = agents.get(socketPath)
    if (!agent) throw new TypeError('every address has an agent')
    return agent
  }

  /** Tries the nodes in turn. A change goes to a second node only if it was never sent to the first. */
  async function sendToOne(request: TransportRequest): Promise<HashicorpVaultAnswer> {
    let failure: unknown
    for (let turn = 0; turn < addresses.length; turn += 1) {
      const index = preferred
      const address = addresses[index]
      if (!address) break
      try {
        const answer = await follow(address, request)
        if (answer.status >= 500) moveFrom(index)
        return answer
      } catch (error) {
        moveFrom(index)
        failure = error
        if (!mayGoElsewhere(error, request.ours)) break
      }
    }
    throw unanswered(failure, request.ours, where)
  }

  function moveFrom(index: number): void {
    if (preferred === index) preferred = (index + 1) % addresses.length
  }

  /** Follows a standby's redirect to the leader (307) if the address is configured. */
  async function follow(address: HashicorpVaultAddress, request: TransportRequest): Promise<HashicorpVaultAnswer> {
    let to = address
    let { target } = request
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const answer = await exchange(to, target, request)
      if (answer.status < 300 || answer.status >= 400) return answer
      const location = answer.headers['location'] ?? ''
      const next = parsedUrl(location, to.origin)
      const known = addresses.find(({ origin, socketPath }) => origin === next?.origin && socketPath === to.socketPath)
      if (answer.status !== 307 || !next || !known || redirects === MAX_REDIRECTS) throw misdirected()
      to = known
      target = `${next.pathname}${next.search}`
    }
    throw misdirected()
  }

  async function exchange(
    to: HashicorpVaultAddress,
    target: string,
    request: TransportRequest,
  ): Promise<HashicorpVaultAnswer> {
    const { ours, headers } = request
    const response = await agentOf(to).request({
      origin: to.origin,
      path: target,
      method: ours.method,
      headers: ours.body && !headers['content-type'] ? { ...headers, ...JSON_TYPE } : headers,
      body: ours.body ? JSON.stringify(ours.body) : null,
      signal: ours.signal,
      // The signal carries the deadline of the whole call. A hanging node must not use all of it when another can be asked.
      headersTimeout: addresses.length > 1 && !changes(ours) ? MILLISECONDS_FOR_ONE : 0,
      bodyTimeout: 0,
    })
    const needed: Record<string, string> = {}
    for (const name of NEEDED_HEADERS) {
      const value = response.headers[name]
      if (value !== undefined) needed[name] = String(value)
    }
    const longest = target.endsWith('?list=true') ? MAX_LIST_BYTES : MAX_ANSWER_BYTES
    const body = parse(await textOf(response.body, longest), response.statusCode)
    const redirect = response.statusCode >= 300 && response.statusCode < 400
    if (body === undefined && !redirect) throw notHashicorpVault(response.statusCode, changes(ours))
    return { status: response.statusCode, headers: needed, body }
  }

  return {
    send: sendToOne,
    async close() {
      await Promise.all(Array.from(agents.values(), (agent) => agent.destroy()))
    },
  }
}

const NEEDED_HEADERS = ['date', 'location', 'retry-after'] as const
const JSON_TYPE = { 'content-type': 'application/json' } as const

// Uses events, since an async iterator would add a tenth to the time of a read from a nearby Vault.
function textOf(body: Dispatcher.ResponseData['body'], longest: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    body.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > longest) body.destroy(tooLarge())
      else chunks.push(chunk)
    })
    body.once('end', () =>
      resolve((chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)).toString('utf8')),
    )
    body.once('error', reject)
  })
}

function tooLarge(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'The response from Vault is larger than this server accepts.', {
    reason: 'answer_too_large',
  })
}

function parse(text: string, status: number): HashicorpVaultAnswer['body'] {
  if (status === 204 || (text === '' && status < 300)) return {}
  try {
    const parsed: unknown = parseUntrustedJson(text)
    return isJsonObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
