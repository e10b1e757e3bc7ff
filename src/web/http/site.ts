import { createHash } from 'node:crypto'
import { isProviderName } from '../../core/model/storage-key.ts'
import {
  formRoot,
  LINK_HANDLE,
  type LinkPage,
  type LinkTarget,
  loginCallbackUrl,
  linkPath as pathOfLink,
} from '../../core/network/form-urls.ts'
import { basePathOf } from '../../core/network/server-base-url.ts'

/** The addresses of the pages. All are built from `serverBaseUrl`, never from a request's `Host`. */
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
  /**
   * Distinguishes vaults whose cookies meet in one browser, because all ports and paths of a host share them: 8 hex digits of a hash of the
   * base URL.
   */
  readonly id: string
}

export function siteOf(serverBaseUrl: URL): Site {
  const { origin, host, protocol } = serverBaseUrl
  const base = basePathOf(serverBaseUrl)
  return {
    origin,
    host,
    secure: protocol === 'https:',
    sharedOrigin: base !== '',
    root: formRoot(serverBaseUrl),
    callbackUrl: loginCallbackUrl(serverBaseUrl).href,
    id: createHash('sha256').update(`site ${origin}${base}`).digest('hex').slice(0, 8),
  }
}

/** Returns path and query of one of a link's pages. */
export function linkPath(site: Site, page: LinkPage, target: LinkTarget): string {
  return pathOfLink(site.root, page, target)
}

/** Returns the target if both parts have the shape of one of our links, else undefined. It does not say whether the link exists. */
export function linkTarget(provider: unknown, handle: unknown): LinkTarget | undefined {
  if (typeof provider !== 'string' || !isProviderName(provider)) return undefined
  if (typeof handle !== 'string' || !LINK_HANDLE.test(handle)) return undefined
  return { provider, handle }
}

/** Reads the query of a link. It accepts exactly one `t` and nothing else, because proxies disagree on repeated and extra parameters. */
export function linkTargetOf(provider: unknown, query: string): LinkTarget | undefined {
  const parameters = [...new URLSearchParams(query)]
  const [first] = parameters
  if (parameters.length !== 1 || first?.[0] !== 't') return undefined
  return linkTarget(provider, first[1])
}

/** Where a sign-in leads: the form of a link, or the user's own page. */
export type ReturnTarget = LinkTarget | 'account'

export function returnPath(site: Site, target: ReturnTarget): string {
  return target === 'account' ? site.root : linkPath(site, 'entry', target)
}

/** Returns the fields by which a sign-in form says where it leads. */
export function returnFields(target: ReturnTarget): (readonly [string, string])[] {
  if (target === 'account') return [['to', 'account']]
  return [
    ['provider', target.provider],
    ['t', target.handle],
  ]
}

/** The names of {@link returnFields}. */
export const RETURN_FIELDS = ['to', 'provider', 't'] as const

/** Reads {@link returnFields} again. They choose among our own pages, so a forged one leads nowhere else. */
export function returnTargetOf(fields: ReadonlyMap<string, string>): ReturnTarget | undefined {
  const to = fields.get('to')
  if (to === undefined) return linkTarget(fields.get('provider'), fields.get('t'))
  return to === 'account' && !fields.has('provider') && !fields.has('t') ? 'account' : undefined
}
