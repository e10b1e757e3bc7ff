import {
  Agent,
  type Dispatcher,
  FormData,
  Headers,
  Request,
  type Response as UndiciResponse,
  fetch as undiciFetch,
} from 'undici'
import { reasonOf } from '../core/journal/refusal-event.ts'
import type { DestinationReason } from '../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError, namingProvider } from '../core/model/errors.ts'
import { type Owner, ownerKey } from '../core/model/owner.ts'
import { isWebUrl, parsedUrl } from '../core/model/url-value.ts'
import type { CredentialValues } from '../core/model/variables.ts'
import { isServiceOutage } from '../core/network/service-outage.ts'
import type { AuditReason } from '../core/ports/audit-sink.ts'
import { isAddressAllowed, literalAddress } from './allowed-addresses.ts'
import { addressRefused, checkedLookup, type Resolve, resolveWithSystem } from './checked-lookup.ts'
import type { ConnectionSettings } from './connection.ts'
import type { CredentialHeader } from './credential-header.ts'
import { type Destination, hasUserinfo } from './destination.ts'
import { serverEnding, unanswered } from './fetch-failure.ts'
import { createLease } from './lease.ts'
import { createOwnerShares, type ShareLimits } from './owner-shares.ts'
import { redirectOf } from './redirect.ts'

export interface BoundFetchParts {
  /** Name for messages. */
  readonly provider: string
  readonly destinations: readonly Destination[]
  /** Default: the system's resolver. */
  readonly resolve?: Resolve
  /** Default {@link LIMITS}. */
  readonly limits?: ShareLimits
  /** Default: a system's usual authorities, 10 seconds to connect, 300 for headers and between two parts of a body. */
  readonly connection?: Partial<ConnectionSettings> | undefined
}

/** The tool call that makes a request. */
export interface FetchCall {
  readonly owner: Owner
  /** Aborts when the call is cancelled or has ended. It stops the request, the wait for a place, and the reading of the answer. */
  readonly signal?: AbortSignal | undefined
  /** Called with the reason when the service at this origin cannot be reached. */
  readonly unreachable?: ((destination: string, reason: AuditReason) => Promise<void>) | undefined
}

/** `fetch` that adds a credential's header and goes to declared destinations only. */
export interface BoundFetch {
  /**
   * Like `fetch`, with its options `method`, `headers`, `body`, `signal`, `redirect` and `duplex`. With a single destination, `/path` is
   * appended to its address. Redirects within the origin are followed up to five times when they lead to a GET or HEAD. No proxy from the
   * environment is used. Waits at most 30 seconds for one of the owner's 32 places at the origin, 10 for a connection, 300 for headers and
   * 300 between two parts of the body.
   *
   * @throws `destination_refused`: nothing was sent, or with reason `redirect` nothing was sent on; `credential_malformed` when no header
   * can carry the value; `unavailable`, whose reason says why; the signal's reason when it aborts
   */
  fetch(values: CredentialValues, input: string | URL, init?: RequestInit, call?: FetchCall): Promise<Response>
  /** Stops running requests. */
  close(): Promise<void>
}

const MAX_REDIRECTS = 5
/** Enough for a tool with many parallel requests, and for a few hundred users of a slow service. */
const LIMITS: ShareLimits = { perOwner: 32, perOrigin: 512, waiting: 1000, wait: 30_000 }
const CONNECTION = { connectTimeout: 10_000, headersTimeout: 300_000, bodyTimeout: 300_000 }

/** undici aborts a body through its request alone, which must therefore live as long as the response. */
const requestOf = new WeakMap<UndiciResponse, Request>()

type RequestOptions = NonNullable<ConstructorParameters<typeof Request>[1]>

export function createBoundFetch(parts: BoundFetchParts): BoundFetch {
  const { provider, destinations, resolve = resolveWithSystem, limits = LIMITS } = parts
  const { connectTimeout, headersTimeout, bodyTimeout, tls } = { ...CONNECTION, ...parts.connection }
  const agents = new Map<boolean, Agent>()
  const shares = createOwnerShares(provider, limits)
  let closed = false

  // Own agents, because the global dispatcher may be a proxy.
  function agentFor({ allowPrivateAddresses }: Destination): Agent {
    const agent =
      agents.get(allowPrivateAddresses) ??
      new Agent({
        ...{ pipelining: 1, headersTimeout, bodyTimeout },
        // The shares admit no more requests than there are connections.
        connections: limits.perOrigin,
        connect: {
          ...tls,
          timeout: connectTimeout,
          lookup: checkedLookup(resolve, allowPrivateAddresses),
          rejectUnauthorized: true,
        },
      })
    agents.set(allowPrivateAddresses, agent)
    return agent
  }

  function refused(reason: DestinationReason, problem: string): CredentialVaultError {
    return new CredentialVaultError('destination_refused', `fetch() of ${provider}: ${problem}`, { reason })
  }

  function parseTarget(values: CredentialValues, input: string | URL): URL {
    // A string, since the caller could change a URL object after the check.
    const text = String(input)
    // A path with two leading slashes would name a host.
    const target = /^\/(?![/\\])/.test(text) ? baseOfOnlyDestination(values) + text : text
    const url = parsedUrl(target)
    if (!url) throw refused('not_a_url', 'the destination must be an absolute URL.')
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
    const found = isWebUrl(url) && destinations.find((one) => one.origin(values) === url.origin)
    if (!found) throw refused('origin', 'the URL is not at one of the declared destinations.')
    const address = literalAddress(url)
    if (address !== undefined && !isAddressAllowed(address, found.allowPrivateAddresses)) throw addressRefused()
    return found
  }

  function headersWith(
    given: RequestInit['headers'],
    own: readonly CredentialHeader[],
    values: CredentialValues,
  ): Headers {
    const headers = attempt(() => new Headers(given as ConstructorParameters<typeof Headers>[0]))
    if (own.some(({ name }) => headers.has(name)))
      throw refused('header', 'the credential already sets a header that the request sets.')
    // It could send the credential to another site at the same address.
    if (headers.has('host')) throw refused('header', 'the request must not set the Host header.')
    for (const header of own) headers.set(header.name, headerValue(header, values))
    return headers
  }

  function headerValue(header: CredentialHeader, values: CredentialValues): string {
    try {
      return header.value(values)
    } catch (error) {
      throw isCredentialVaultError(error) ? namingProvider(error, provider) : error
    }
  }

  /** Replaces the library's errors, which quote headers. */
  function attempt<T>(build: () => T): T {
    try {
      return build()
    } catch {
      throw refused('request', 'the method, headers or body make no valid request.')
    }
  }

  async function send(url: URL, options: RequestOptions, dispatcher: Dispatcher): Promise<UndiciResponse> {
    const request = attempt(() => new Request(url, { ...options, redirect: 'manual' }))
    try {
      const response = await undiciFetch(request, { dispatcher })
      requestOf.set(response, request)
      return response
    } catch (error) {
      const { signal } = options
      if (signal?.aborted) throw signal.reason
      throw closed ? serverEnding(provider) : unanswered(provider, error)
    }
  }

  async function follow(first: URL, given: RequestOptions, redirect: RequestInit['redirect'], dispatcher: Dispatcher) {
    let options = given
    let url = first
    for (let followed = 0; ; followed += 1) {
      const response = await send(url, options, dispatcher)
      const next = redirect === 'manual' ? undefined : redirectOf(url, options, response)
      // At run time it is the class that callers know; only the types differ.
      if (!next) return response as unknown as Response
      await response.body?.cancel().catch(() => undefined)
      const { options: nextOptions, url: nextUrl } = next
      const allowed = nextUrl?.origin === url.origin && !hasUserinfo(nextUrl) && nextOptions !== undefined
      if (!allowed || followed === MAX_REDIRECTS || redirect === 'error') {
        throw refused('redirect', 'the service answered with a redirect that is not followed.')
      }
      url = nextUrl
      options = nextOptions
    }
  }

  return {
    async fetch(values, input, init = {}, call) {
      if (closed) throw serverEnding(provider)
      const url = parseTarget(values, input)
      const destination = pick(values, url)
      const headers = headersWith(init.headers, destination.headers, values)
      const signal = eitherOf(init.signal, call?.signal)
      const options: RequestOptions = { ...requestOptions(init), headers, ...(signal && { signal }) }
      const lease = createLease(await shares.take(url.origin, nameOf(call?.owner), signal))
      try {
        return await follow(url, options, init.redirect, lease.through(agentFor(destination)))
      } catch (error) {
        if (isServiceOutage(error)) await call?.unreachable?.(url.origin, reasonOf(error))
        throw error
      } finally {
        lease.settle()
      }
    },

    async close() {
      closed = true
      shares.close()
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
      agents.clear()
    },
  }
}

function nameOf(owner: Owner | undefined): string {
  return owner ? ownerKey(owner) : ''
}

function eitherOf(one: AbortSignal | null | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other)
}

// Picks the known options: `dispatcher` would send the credential through an unchecked agent.
function requestOptions({ method, body, duplex }: RequestInit): RequestOptions {
  return {
    ...(method === undefined ? {} : { method }),
    ...(body === undefined || body === null ? {} : { body: bodyOf(body) }),
    ...(duplex === undefined ? {} : { duplex }),
  }
}

// undici would send Node's own FormData, another class than its own, as text.
function bodyOf(body: NonNullable<RequestInit['body']>): NonNullable<RequestOptions['body']> {
  if (!(body instanceof globalThis.FormData)) return body as NonNullable<RequestOptions['body']>
  const form = new FormData()
  for (const [name, value] of body) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value, value.name)
  }
  return form
}
