import type { IssuerFailure } from '../../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { parseUntrustedJson } from '../../core/model/json.ts'
import { connectionFailure } from '../../core/network/connection-failure.ts'

export const ISSUER_TIMEOUT_MILLISECONDS = 5_000
const MAX_DOCUMENT_BYTES = 1_048_576

/**
 * Reads one JSON document of the identity provider. Redirects are not followed, because the document would not be the issuer's.
 *
 * @returns the parsed JSON, or undefined when the server answers that there is no such document
 * @throws `unavailable` when there is no connection, no answer within 5 s, a 429 or 5xx status, or more than 1 MiB
 */
export async function readIssuerDocument(url: string): Promise<unknown> {
  const { status, json } = await readIssuerAnswer(url)
  return status === 200 ? json : undefined
}

interface IssuerRequest extends Pick<RequestInit, 'method' | 'body'> {
  readonly headers?: Readonly<Record<string, string>>
  /** Reads the body of a refusal too. Default: only that of a 200. */
  readonly withRefusal?: boolean
}

/** Like {@link readIssuerDocument}, but returns refusals too. `json` is undefined when the body is not JSON. */
export async function readIssuerAnswer(
  url: string,
  { withRefusal = false, ...request }: IssuerRequest = {},
): Promise<{ readonly status: number; readonly json: unknown }> {
  try {
    const response = await fetch(url, {
      ...request,
      headers: { accept: 'application/json, application/jwk-set+json', ...request.headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(ISSUER_TIMEOUT_MILLISECONDS),
    })
    const { status } = response
    const isOutage = status === 429 || status >= 500
    if (status === 200 || (withRefusal && !isOutage)) return { status, json: parse(await limitedText(response)) }
    await response.body?.cancel()
    if (isOutage) throw issuerUnavailable('status')
    return { status, json: undefined }
  } catch (error) {
    if (isCredentialVaultError(error)) throw error
    throw issuerUnavailable(connectionReason(error))
  }
}

/** Distinguishes the failures that an operator can fix. */
export function connectionReason(error: unknown): 'timeout' | 'dns' | 'tls' | 'plain_http' | 'connection' {
  const failure = connectionFailure(error)
  return failure === 'timeout' || failure === 'dns' || failure === 'tls' || failure === 'plain_http'
    ? failure
    : 'connection'
}

export function issuerUnavailable(reason: IssuerFailure): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    'The identity provider cannot be reached right now. Try again later.',
    {
      reason: `issuer_${reason}`,
      retryable: true,
    },
  )
}

async function limitedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_DOCUMENT_BYTES) throw issuerUnavailable('document_too_long')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** Single-page applications answer with an HTML page for paths that do not exist. */
function parse(text: string): unknown {
  try {
    return parseUntrustedJson(text)
  } catch {
    return undefined
  }
}
