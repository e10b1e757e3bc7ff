import { basePathOf, urlBelow } from './server-base-url.ts'

/**
 * Names one link: the provider whose form it opens, and the request's handle. Both are checked for shape only. None of their characters
 * needs percent-encoding in a path or a query.
 */
export interface LinkTarget {
  readonly provider: string
  readonly handle: string
}

export type LinkPage = 'entry' | 'submit' | 'cancel' | 'done'

/** The handle in a link: 32 bytes as base64url. */
export const LINK_HANDLE = /^[A-Za-z0-9_-]{43}$/

const ROOT = '/credentials'

/** Returns the path below which the vault serves everything, without a trailing slash. */
export function formRoot(serverBaseUrl: URL): string {
  return basePathOf(serverBaseUrl) + ROOT
}

/** Returns the URL to which identity providers send the browser back. */
export function loginCallbackUrl(serverBaseUrl: URL): URL {
  return urlBelow(serverBaseUrl, `${ROOT}/callback`)
}

/** Returns the URL of the user's own page, which lists their credentials. */
export function accountUrl(serverBaseUrl: URL): string {
  return urlBelow(serverBaseUrl, ROOT).href
}

/** Returns path and query of one of a link's pages. `root` comes from {@link formRoot}. */
export function linkPath(root: string, page: LinkPage, { provider, handle }: LinkTarget): string {
  return `${root}/${provider}/${page}?t=${handle}`
}

/** Returns the link that a user is asked to open. */
export function entryUrl(serverBaseUrl: URL, target: LinkTarget): string {
  return serverBaseUrl.origin + linkPath(formRoot(serverBaseUrl), 'entry', target)
}
