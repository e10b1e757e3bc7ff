import { CredentialVaultError } from '../../core/model/errors.ts'
import { carryingExtra } from './completion-extra.ts'

/** The part of an SDK's low-level `Server` that gives a request its handler. */
interface Handling {
  assertCanSetRequestHandler(method: string): void
  setRequestHandler(...given: never): void
}

type SetHandler = (request: unknown, handler: Parameters<typeof carryingExtra>[0], ...rest: unknown[]) => void

/** Whether completers of this server find the `extra` of their request. */
export interface Completers {
  /** @throws `configuration_invalid` (`reason: 'completion_extra'`) */
  check(): void
}

/**
 * Makes the handler of `completion/complete`, which the server is yet to be given, pass the request's `extra` to completers.
 *
 * @param completion how the SDK names that request to `setRequestHandler`
 */
export function carryExtraToCompleters(server: object, protocol: Handling, completion: unknown): Completers {
  // On a low-level Server the application's own handler passes `extra`.
  const isLate = 'registerTool' in server && hasHandler(protocol)
  if (!isLate) {
    const set = protocol.setRequestHandler as SetHandler
    const carrying: SetHandler = (request, handler, ...rest) => {
      const carried = request === completion && typeof handler === 'function' ? carryingExtra(handler) : handler
      return Reflect.apply(set, protocol, [request, carried, ...rest])
    }
    Object.assign(protocol, { setRequestHandler: carrying })
  }
  return isLate ? LATE : IN_TIME
}

const IN_TIME: Completers = { check() {} }
const LATE: Completers = {
  check() {
    throw new CredentialVaultError(
      'configuration_invalid',
      'requireCredentials.completion: this McpServer had a prompt or template with completions before it had a gate, so the user of a ' +
        'completion is unknown. Call credentialGate(server) first, and register prompts and templates after it.',
      { reason: 'completion_extra' },
    )
  },
}

function hasHandler(protocol: Handling): boolean {
  try {
    protocol.assertCanSetRequestHandler('completion/complete')
    return false
  } catch {
    return true
  }
}
