import { CredentialVaultError, type ErrorCode, isVaultError } from './errors.ts'

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
  if (isVaultError(error)) return error
  return new CredentialVaultError(code, `${name} failed in an unexpected way. Try again later.`, {
    reason: 'unexpected',
    retryable: true,
  })
}
