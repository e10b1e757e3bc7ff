import { CredentialVaultError, type ErrorCode, isCredentialVaultError } from './errors.ts'

/**
 * Runs one operation of a dependency with a total deadline, and lets only our own errors out. A vendor's error is dropped, not wrapped:
 * it may carry tokens, values or paths.
 *
 * @param name what is called, for the message, e.g. `sealed-file`
 * @throws `unavailable` (`reason: 'timeout'` after `milliseconds`, `'unexpected'` for a foreign error)
 */
export async function withDeadline<T>(
  name: string,
  milliseconds: number,
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new CredentialVaultError(
        'unavailable',
        `${name} did not answer within ${milliseconds / 1000} s. Try again later.`,
        {
          reason: 'timeout',
          retryable: true,
        },
      )
      reject(error)
      abort.abort(error)
    }, milliseconds)
  })
  try {
    return await Promise.race([operation(abort.signal), deadline])
  } catch (error) {
    throw translated(name, error)
  } finally {
    clearTimeout(timer)
  }
}

/** Our own errors as they are; in place of any other, one with `code` and without a word of it. Default `unavailable`. */
export function translated(name: string, error: unknown, code: ErrorCode = 'unavailable'): CredentialVaultError {
  if (isCredentialVaultError(error)) return error
  return new CredentialVaultError(code, `${name} failed in an unexpected way. Try again later.`, {
    reason: 'unexpected',
    retryable: true,
  })
}

/** Refuses to start or go on with work whose deadline has passed. Nothing has been changed when it throws. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new CredentialVaultError('unavailable', 'The call timed out before anything was changed. Try again.', {
    reason: 'aborted',
    retryable: true,
  })
}

/** The same call with less time: for one request of many, or for what is not worth waiting for. */
export function withinTime<T extends { readonly signal: AbortSignal }>(call: T, milliseconds: number): T {
  return { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(milliseconds)]) }
}
