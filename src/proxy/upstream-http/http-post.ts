import type { BoundFetch } from '../../destinations/bound-fetch.ts'
import type { Message } from '../upstream/message.ts'
import type { CredentialCall } from '../upstream/upstream.ts'

export interface HttpUpstreamParts {
  readonly url: string
  /** Headers that the operator declares, the same for every user. */
  readonly headers: Readonly<Record<string, string>>
  /** Sends the requests for standing streams, which would otherwise use up the places of the calls. */
  readonly streams: BoundFetch
  /** Sends notifications and answers. They have places of their own, because the calls that have taken the others may wait for them. */
  readonly notes: BoundFetch
  readonly maxMessageBytes: number
}

export function post(
  parts: HttpUpstreamParts,
  message: Message,
  call: CredentialCall,
  own: Readonly<Record<string, string>>,
): Promise<Response> {
  return call.handle.fetch(parts.url, postInit(parts, message, call, own))
}

/** Sends a request beside the calls, with the credential in the same headers and to the same place. */
export async function aside(
  fetcher: BoundFetch,
  { url }: HttpUpstreamParts,
  { handle, owner, signal }: CredentialCall,
  init: RequestInit,
): Promise<Response> {
  const response = await handle.use((values) => fetcher.fetch(values, url, init, { owner, signal }))
  if (response.status === 401) await handle.reject({ status: 401 })
  return response
}

export function postInit(
  { headers }: HttpUpstreamParts,
  message: Message,
  { signal }: CredentialCall,
  own: Readonly<Record<string, string>>,
): RequestInit {
  return {
    method: 'POST',
    headers: {
      ...headers,
      ...own,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(message),
    signal,
  }
}
