import { MAX_ACCESS_TOKEN_LENGTH } from '../../core/ports/identity.ts'

export type BearerCredentials =
  | { readonly kind: 'token'; readonly token: string }
  /** No header, or another scheme. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed' }

/** Reads every `Authorization` header of a request. The scheme's name is case-insensitive (RFC 9110 §11.1). */
export function bearerCredentials(headers: readonly string[]): BearerCredentials {
  const [header, second] = headers
  if (header === undefined) return { kind: 'absent' }
  if (second !== undefined) return { kind: 'malformed' }
  if (!/^Bearer(?: |$)/i.test(header)) return { kind: 'absent' }
  const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(header)?.[1]
  return token === undefined || token.length > MAX_ACCESS_TOKEN_LENGTH
    ? { kind: 'malformed' }
    : { kind: 'token', token }
}
