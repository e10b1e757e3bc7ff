import { createHash } from 'node:crypto'
import { basePathOf, urlBelow } from '../../core/network/server-base-url.ts'

/** The pages' own addresses. Everything is built from `serverBaseUrl`, never from a request's `Host`. */
export interface Site {
  readonly origin: string
  /** Host and port as browsers send them in `Host`. */
  readonly host: string
  readonly secure: boolean
  /** Whether other applications may live on the same origin. */
  readonly sharedOrigin: boolean
  /** Path of everything that the vault serves, without a trailing slash. */
  readonly root: string
  readonly callbackUrl: string
  /** Tells vaults apart whose cookies meet in one browser, since ports and paths share a host's: 8 hex digits of a hash of the base URL. */
  readonly id: string
}

export function siteOf(serverBaseUrl: URL): Site {
  const { origin, host, protocol } = serverBaseUrl
  const base = basePathOf(serverBaseUrl)
  const root = `${base}/credentials`
  return {
    origin,
    host,
    secure: protocol === 'https:',
    sharedOrigin: base !== '',
    root,
    callbackUrl: urlBelow(serverBaseUrl, '/credentials/callback').href,
    id: createHash('sha256').update(`site ${origin}${base}`).digest('hex').slice(0, 8),
  }
}

/** Names one link: which provider's form, and whose request. Both are checked for shape only. */
export interface LinkTarget {
  readonly provider: string
  readonly handle: string
}

export type LinkPage = 'entry' | 'submit' | 'cancel' | 'done'

/** Path and query of one of a link's pages. */
export function linkPath(site: Site, page: LinkPage, { provider, handle }: LinkTarget): string {
  return `${site.root}/${encodeURIComponent(provider)}/${page}?t=${encodeURIComponent(handle)}`
}
