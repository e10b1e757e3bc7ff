import { Headers, type RequestInit, type Response } from 'undici'
import { parsedUrl } from '../core/model/url-value.ts'

export interface Redirect {
  /** Undefined when `Location` is no URL. */
  readonly url: URL | undefined
  /** Options of the next request; undefined when it would use another method than GET or HEAD. */
  readonly options: RequestInit | undefined
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const ABOUT_THE_BODY = /^(?:content-(?:encoding|language|location|type|length)|transfer-encoding)$/

/** Returns the next request of a redirect, by the rules of fetch (§4.4, HTTP-redirect fetch), or undefined when there is none. */
export function redirectOf(from: URL, options: RequestInit, response: Response): Redirect | undefined {
  const location = response.headers.get('location')
  if (location === null || !REDIRECTS.has(response.status)) return undefined
  return {
    url: parsedUrl(location, from.href),
    options: nextOptions(options, response.status),
  }
}

function nextOptions(options: RequestInit, status: number): RequestInit | undefined {
  const method = (options.method ?? 'GET').toUpperCase()
  if (method === 'GET' || method === 'HEAD') return options
  const becomesGet = status === 303 || (method === 'POST' && (status === 301 || status === 302))
  if (!becomesGet) return undefined
  const { body: _, duplex: __, ...rest } = options
  const headers = [...new Headers(options.headers)].filter(([name]) => !ABOUT_THE_BODY.test(name))
  return { ...rest, method: 'GET', headers }
}
