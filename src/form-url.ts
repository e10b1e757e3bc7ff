import { urlBelow } from './core/server-base-url.ts'

/** The link to a provider's form: worthless without its owner's login. */
export function formUrl(serverBaseUrl: URL, provider: string, handle: string): string {
  const url = urlBelow(serverBaseUrl, `/credentials/${provider}/entry`)
  url.searchParams.set('t', handle)
  return url.href
}
