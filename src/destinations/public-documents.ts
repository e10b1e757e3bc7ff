import { Agent, fetch as undiciFetch } from 'undici'
import { BoundedMap } from '../core/host/bounded-map.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import { parsedUrl } from '../core/model/url-value.ts'
import { connectionFailure } from '../core/network/connection-failure.ts'
import { serviceReason } from '../core/network/service-outage.ts'
import { isAddressAllowed, literalAddress } from './allowed-addresses.ts'
import { addressRefused, checkedLookup, type Resolve, resolveWithSystem } from './checked-lookup.ts'
import { hasUserinfo } from './destination.ts'
import { refusalIn } from './fetch-failure.ts'

export interface PublicDocumentsParts {
  readonly allowPrivateAddresses: boolean
  /** Default: the system's resolver. */
  readonly resolve?: Resolve
  /** Certificate authorities in place of the system's. */
  readonly ca?: string
}

const MAX_BYTES = 16_384
const TIMEOUT = 5_000
const KEPT_MILLISECONDS = 60_000
const MAX_KEPT = 100
/** Strangers choose the URLs, so they must not make this process ask a host without end. */
const MAX_RUNNING = 8
/** A slow host keeps nobody from the documents of the others. */
const MAX_RUNNING_AT_HOST = 2

/**
 * Returns a function that reads a JSON document at an https URL which a stranger names. The address is checked and then connected to. No
 * redirect is followed, nothing of 16 KiB or more is read, and it takes 5 seconds at most. What was read is kept for a minute, and those who
 * ask meanwhile share one request.
 *
 * @throws `destination_refused` with the reason `not_a_url`, `address`, `redirect`, `answer` or `answer_too_large`; `unavailable`
 */
export function publicDocuments({
  allowPrivateAddresses,
  resolve = resolveWithSystem,
  ca,
}: PublicDocumentsParts): (url: string) => Promise<string> {
  const kept = new BoundedMap<string, { readonly text: string; readonly at: number }>(MAX_KEPT)
  const running = new Map<string, { readonly host: string; readonly text: Promise<string> }>()

  async function read(text: string): Promise<string> {
    const url = parsedUrl(text)
    if (url?.protocol !== 'https:' || hasUserinfo(url)) throw refused('not_a_url')
    const address = literalAddress(url)
    if (address !== undefined && !isAddressAllowed(address, allowPrivateAddresses)) throw addressRefused()
    // An own agent, because the global dispatcher may be a proxy. It ends with the request.
    const agent = new Agent({
      connect: {
        timeout: TIMEOUT,
        lookup: checkedLookup(resolve, allowPrivateAddresses),
        ...(ca === undefined ? {} : { ca }),
      },
    })
    try {
      const response = await undiciFetch(url, {
        dispatcher: agent,
        redirect: 'manual',
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT),
      })
      if (response.status >= 300 && response.status < 400) throw refused('redirect')
      const type = response.headers.get('content-type') ?? ''
      if (response.status !== 200 || !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) throw refused('answer')
      return await limitedText(response.body ?? [])
    } catch (error) {
      throw refusalIn(error) ?? unavailable(error)
    } finally {
      await agent.destroy()
    }
  }

  async function readOnce(url: string): Promise<string> {
    try {
      const text = await read(url)
      kept.set(url, { text, at: Date.now() })
      return text
    } finally {
      running.delete(url)
    }
  }

  return async (url) => {
    const known = kept.get(url)
    if (known && Date.now() < known.at + KEPT_MILLISECONDS) return known.text
    const begun = running.get(url)
    if (begun) return begun.text
    const host = parsedUrl(url)?.host ?? ''
    const atHost = [...running.values()].filter((one) => one.host === host)
    if (running.size >= MAX_RUNNING || atHost.length >= MAX_RUNNING_AT_HOST) throw unavailable(undefined)
    const text = readOnce(url)
    running.set(url, { host, text })
    return text
  }
}

async function limitedText(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes >= MAX_BYTES) throw refused('answer_too_large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refused(reason: 'not_a_url' | 'redirect' | 'answer' | 'answer_too_large'): CredentialVaultError {
  return new CredentialVaultError('destination_refused', 'The document of an MCP client cannot be used.', { reason })
}

/** The original is dropped, because it may quote the request. */
function unavailable(error: unknown): CredentialVaultError {
  const failure = error === undefined ? 'busy' : (connectionFailure(error) ?? 'unknown')
  return new CredentialVaultError('unavailable', 'The document of an MCP client cannot be read right now.', {
    reason: serviceReason(failure),
    retryable: true,
  })
}
