import { Agent, FormData, Headers, Request, type Response as UndiciResponse, fetch as undiciFetch } from 'undici'
import { CredentialVaultError } from '../core/errors.ts'
import type { CredentialValues } from '../core/variables.ts'
import { isAddressAllowed, literalAddress } from './address.ts'
import { addressRefused, checkedLookup, type Resolve, resolveWithSystem } from './checked-lookup.ts'
import { type Destination, hasUserinfo } from './destination.ts'
import { redirectOf } from './redirect.ts'

export interface BoundFetchParts {
  /** For messages. */
  readonly provider: string
  readonly destinations: readonly Destination[]
  /** Default: the system's resolver. */
  readonly resolve?: Resolve
}

/** `fetch` that adds a credential's header and goes to declared destinations only. */
export interface BoundFetch {
  /**
   * Like `fetch`, with its options `method`, `headers`, `body`, `signal`, `redirect` and `duplex`. With a single destination, `/path` is
   * appended to its address. Redirects within the origin are followed up to five times when they lead to a GET or HEAD. No proxy from the
   * environment is used. Waits at most 10 seconds for a connection, 300 for headers, and 300 between two parts of the body.
   *
   * @throws `destination_refused`: nothing was sent, or with reason `redirect` nothing was sent on; `credential_malformed` when no header
   * can carry the value; `unavailable`; the signal's reason when it aborts
   */
  fetch(values: CredentialValues, input: string | URL, init?: RequestInit): Promise<Response>
  /** Ends requests that still run. */
  close(): Promise<void>
}

const MAX_REDIRECTS = 5
const AGENT_OPTIONS = { connections: 64, pipelining: 1, headersTimeout: 300_000, bodyTimeout: 300_000 }

type RequestOptions = NonNullable<ConstructorParameters<typeof Request>[1]>

export function createBoundFetch({ provider, destinations, resolve = resolveWithSystem }: BoundFetchParts): BoundFetch {
  const agents = new Map<boolean, Agent>()
  let closed = false

  // Of their own, not the global dispatcher: that one may be a proxy.
  function agentFor({ allowPrivateAddresses }: Destination): Agent {
    const agent =
      agents.get(allowPrivateAddresses) ??
      new Agent({
        ...AGENT_OPTIONS,
        connect: {
          timeout: 10_000,
          lookup: checkedLookup(resolve, allowPrivateAddresses),
          rejectUnauthorized: true,
        },
      })
    agents.set(allowPrivateAddresses, agent)
    return agent
  }

  function refused(reason: string, problem: string): CredentialVaultError {
    return new CredentialVaultError('destination_refused', `fetch() of ${provider}: ${problem}`, { reason })
  }

  function parseTarget(values: CredentialValues, input: string | URL): URL {
    // A copy: the caller could change a URL object after it was checked.
    const text = String(input)
    const target = text.startsWith('/') ? baseOfOnlyDestination(values) + text : text
    if (!URL.canParse(target)) throw refused('not_a_url', 'the destination has to be an absolute URL.')
    const url = new URL(target)
    if (hasUserinfo(url)) throw refused('userinfo', 'the URL must not hold a user name or password.')
    return url
  }

  function baseOfOnlyDestination(values: CredentialValues): string {
    const [only, second] = destinations
    if (!only || second)
      throw refused('not_a_url', 'a path alone needs a provider with exactly one destination; give an absolute URL.')
    const base = only.base(values)
    if (base === undefined) throw refused('origin', 'the credential names no address that is allowed.')
    return base
  }

  function pick(values: CredentialValues, url: URL): Destination {
    const found = /^https?:$/.test(url.protocol) && destinations.find((one) => one.origin(values) === url.origin)
    if (!found) throw refused('origin', 'the URL is not at one of the declared destinations.')
    const address = literalAddress(url)
    if (address !== undefined && !isAddressAllowed(address, found.allowPrivateAddresses)) throw addressRefused()
    return found
  }

  function headersWith(given: RequestInit['headers'], name: string, value: string): Headers {
    const headers = attempt(() => new Headers(given as ConstructorParameters<typeof Headers>[0]))
    if (headers.has(name)) throw refused('header', 'the credential already sets a header that the request sets.')
    // It would lead the credential to another site behind the same address.
    if (headers.has('host')) throw refused('header', 'the request must not set the Host header.')
    headers.set(name, value)
    return headers
  }

  /** The library's own errors quote headers. */
  function attempt<T>(build: () => T): T {
    try {
      return build()
    } catch {
      throw refused('request', 'the method, headers or body make no valid request.')
    }
  }

  async function send(url: URL, options: RequestOptions, agent: Agent): Promise<UndiciResponse> {
    const request = attempt(() => new Request(url, { ...options, redirect: 'manual' }))
    try {
      return await undiciFetch(request, { dispatcher: agent })
    } catch (error) {
      const { signal } = options
      if (signal?.aborted) throw signal.reason
      throw refusalIn(error) ?? unavailable(provider)
    }
  }

  return {
    async fetch(values, input, init = {}) {
      if (closed) throw unavailable(provider)
      const first = parseTarget(values, input)
      const destination = pick(values, first)
      const agent = agentFor(destination)
      const { name, value } = destination.header
      let options: RequestOptions = { ...requestOptions(init), headers: headersWith(init.headers, name, value(values)) }
      let url = first
      for (let followed = 0; ; followed += 1) {
        const response = await send(url, options, agent)
        const next = init.redirect === 'manual' ? undefined : redirectOf(url, options, response)
        if (!next) return response as unknown as Response
        await response.body?.cancel().catch(() => undefined)
        const { options: nextOptions, url: nextUrl } = next
        const allowed = nextUrl?.origin === url.origin && !hasUserinfo(nextUrl) && nextOptions !== undefined
        if (!allowed || followed === MAX_REDIRECTS || init.redirect === 'error') {
          throw refused('redirect', 'the service answered with a redirect that is not followed.')
        }
        url = nextUrl
        options = nextOptions
      }
    },

    async close() {
      closed = true
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
      agents.clear()
    },
  }
}

// Not all of them: `dispatcher` would send the credential through an agent that checks nothing.
function requestOptions({ method, body, signal, duplex }: RequestInit): RequestOptions {
  return {
    ...(method === undefined ? {} : { method }),
    ...(body === undefined || body === null ? {} : { body: bodyOf(body) }),
    ...(signal === undefined || signal === null ? {} : { signal }),
    ...(duplex === undefined ? {} : { duplex }),
  }
}

// Node's own FormData is another class than undici's, which would send it as text.
function bodyOf(body: NonNullable<RequestInit['body']>): NonNullable<RequestOptions['body']> {
  if (!(body instanceof globalThis.FormData)) return body as NonNullable<RequestOptions['body']>
  const form = new FormData()
  for (const [name, value] of body) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value, value.name)
  }
  return form
}

function refusalIn(error: unknown): CredentialVaultError | undefined {
  if (error instanceof CredentialVaultError) return error
  if (!(error instanceof Error)) return undefined
  const inner = error instanceof AggregateError ? error.errors : [error.cause]
  return inner.map(refusalIn).find((found) => found !== undefined)
}

function unavailable(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    `The ${provider} service cannot be reached right now. Try again later.`,
    {
      reason: 'destination',
      retryable: true,
    },
  )
}
