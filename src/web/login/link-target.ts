import { MAX_PROVIDER_NAME_LENGTH, PROVIDER_NAME } from '../../core/model/storage-key.ts'
import type { LinkTarget } from '../http/site.ts'

const HANDLE = /^[A-Za-z0-9_-]{43}$/

/** Returns undefined unless both have the format of a link. Does not check whether the link exists. */
export function linkTarget(provider: unknown, handle: unknown): LinkTarget | undefined {
  if (typeof provider !== 'string' || provider.length > MAX_PROVIDER_NAME_LENGTH) return undefined
  if (!PROVIDER_NAME.test(provider)) return undefined
  if (typeof handle !== 'string' || !HANDLE.test(handle)) return undefined
  return { provider, handle }
}

/** Reads the query of a link. Exactly one `t` and nothing else: a repeated or extra parameter is read differently by every proxy. */
export function linkTargetOf(provider: unknown, query: string): LinkTarget | undefined {
  const parameters = [...new URLSearchParams(query)]
  const [first] = parameters
  if (parameters.length !== 1 || first?.[0] !== 't') return undefined
  return linkTarget(provider, first[1])
}
