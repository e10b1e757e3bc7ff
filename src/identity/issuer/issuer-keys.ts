import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWKSCacheInput,
  type JWTPayload,
  type JWTVerifyOptions,
  jwksCache,
  jwtVerify,
} from 'jose'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { problemOf, type Refuse } from '../claims/token-problem.ts'
import { ISSUER_TIMEOUT_MILLISECONDS, issuerUnavailable, readIssuerDocument } from './issuer-document.ts'
import type { IssuerMetadata } from './issuer-metadata.ts'
import { withRecentFailure } from './recent-failure.ts'

const REFETCH_COOL_DOWN_MILLISECONDS = 30_000
const MAX_KEY_AGE_MILLISECONDS = 600_000

/** Verifies a JWT's signature with the issuer's keys, then the claims in `options`. */
export type VerifySigned = (token: string, options: JWTVerifyOptions, refuse: Refuse) => Promise<JWTPayload>

/** The keys of an issuer. */
export interface IssuerKeys {
  readonly verifySigned: VerifySigned
  /** Returns the key set that is in use. Undefined if the next verification reads it. */
  current(): object | undefined
}

/**
 * Makes a verifier that reads keys from the issuer's `jwks_uri` only and ignores `jku`, `x5u` and `jwk` in a token's header. The set is
 * kept for ten minutes. An unknown `kid` fetches it again at most once in 30 s, and after a failure at most once a second, so that forged
 * tokens cannot make us flood the identity provider.
 *
 * `verifySigned` throws `unavailable` when the keys cannot be read, and the error from `refuse` for other problems.
 */
export function issuerKeys(metadata: () => Promise<IssuerMetadata>): IssuerKeys {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined
  // jose puts each set here that it begins to use.
  const used: JWKSCacheInput = {}
  return {
    async verifySigned(token, options, refuse) {
      keys ??= remoteKeys((await metadata()).jwks_uri, used)
      try {
        return await verifyWithAnyKey(token, keys, options)
      } catch (error) {
        if (isCredentialVaultError(error)) throw error
        if (error instanceof errors.JWKSInvalid) throw issuerUnavailable('keys_invalid')
        throw refuse(problemOf(error))
      }
    },
    current: () => (keys?.fresh ? used['jwks'] : undefined),
  }
}

/** Reads the keys afresh. Throws `unavailable` if they cannot be read, or are no key set. */
export async function checkIssuerKeys(metadata: () => Promise<IssuerMetadata>): Promise<void> {
  const document = await readKeys((await metadata()).jwks_uri)
  try {
    createLocalJWKSet(document as JSONWebKeySet)
  } catch {
    throw issuerUnavailable('keys_invalid')
  }
}

async function readKeys(jwksUri: string): Promise<unknown> {
  const document = await readIssuerDocument(jwksUri)
  if (document === undefined) throw issuerUnavailable('keys_missing')
  return document
}

function remoteKeys(jwksUri: string, used: JWKSCacheInput): ReturnType<typeof createRemoteJWKSet> {
  const read = withRecentFailure(() => readKeys(jwksUri))
  return createRemoteJWKSet(new URL(jwksUri), {
    timeoutDuration: ISSUER_TIMEOUT_MILLISECONDS,
    cooldownDuration: REFETCH_COOL_DOWN_MILLISECONDS,
    cacheMaxAge: MAX_KEY_AGE_MILLISECONDS,
    [jwksCache]: used,
    [customFetch]: async () => Response.json(await read()),
  })
}

/** A token without `kid` matches every key of its type. During a rotation there are several. */
async function verifyWithAnyKey(
  token: string,
  keys: ReturnType<typeof createRemoteJWKSet>,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (next) {
        if (!(next instanceof errors.JWSSignatureVerificationFailed)) throw next
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}
