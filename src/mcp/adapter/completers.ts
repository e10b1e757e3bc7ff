import { CredentialVaultError } from '../../core/model/errors.ts'

/** The part of an SDK's low-level `Server` that tells whether `completion/complete` has a handler. */
interface Handling {
  assertCanSetRequestHandler(method: string): void
}

/** Whether completers of this server find the `extra` of their request. */
export interface Completers {
  /** @throws `configuration_invalid` (`reason: 'completion_extra'`) */
  check(): void
}

/** Call it before `completion/complete` is given a handler. `carry` makes later handlers pass `extra` on. */
export function completersOf(server: object, protocol: Handling, carry: () => void): Completers {
  // On a low-level Server the application's own handler passes `extra`.
  const isLate = 'registerTool' in server && hasHandler(protocol)
  if (!isLate) carry()
  return {
    check() {
      if (!isLate) return
      throw new CredentialVaultError(
        'configuration_invalid',
        'requireCredentials.completion: this McpServer had a prompt or template with completions before it had a gate, so the user of a ' +
          'completion is unknown. Call credentialGate(server) first, and register prompts and templates after it.',
        { reason: 'completion_extra' },
      )
    },
  }
}

function hasHandler(protocol: Handling): boolean {
  try {
    protocol.assertCanSetRequestHandler('completion/complete')
    return false
  } catch {
    return true
  }
}
