import { CredentialVaultError, type ErrorCode, isCredentialVaultError } from '../model/errors.ts'

/**
 * Runs one operation of a dependency with a total deadline and throws our own errors only. A vendor's error is dropped, not wrapped,
 * because it may contain tokens, values or paths.
 *
 * @param name the dependency's name for the message, e.g. `sealed-file`
 * @throws `unavailable` (`reason: 'timeout'` after `milliseconds`, `'unexpected'` for any other error)
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

/** Returns our own errors unchanged. Any other error is replaced by one with `code` and none of its text. Default `unavailable`. */
export function translated(name: string, error: unknown, code: ErrorCode = 'unavailable'): CredentialVaultError {
  if (isCredentialVaultError(error)) return error
  return new CredentialVaultError(code, `${name} failed in an unexpected way. Try again later.`, {
    reason: 'unexpected',
    retryable: true,
  })
}

/** Throws if the deadline of the work has passed. Nothing has been changed when it throws. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new CredentialVaultError('unavailable', 'The call timed out before anything was changed. Try again.', {
    reason: 'aborted',
    retryable: true,
  })
}

/** Returns the call with a shorter deadline, for one request of several or for an optional one. */
export function withinTime<T extends { readonly signal: AbortSignal }>(call: T, milliseconds: number): T {
  return { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(milliseconds)]) }
}
