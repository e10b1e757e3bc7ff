import { expect, test } from 'vitest'
import { correlationIdOf, followRequest } from '../../../src/core/telemetry/request-correlation.ts'

const REQUEST = Symbol.for('mcp-credential-vault.request')
const OTHER_USERS = '00000000-0000-4000-8000-000000000000'

// SDKs hand the object to every tool. The access log and later gates of the request believe what is on it.
test.each([
  ["another request's id", OTHER_USERS],
  ['a line of its own', 'x\n{"level":30,"msg":"forged"}'],
  ['ten megabytes', 'x'.repeat(10_000_000)],
  ['no text', { toJSON: () => OTHER_USERS }],
])('a tool that writes %s over the id of its request changes neither the access log nor the audit log', (_, forged) => {
  const authInfo: Record<PropertyKey, unknown> = { token: 'x' }
  const ids = followRequest(authInfo)
  const own = correlationIdOf(authInfo)
  try {
    ;(authInfo[REQUEST] as { correlationId: unknown }).correlationId = forged
  } catch {
    // Refused, as it should be.
  }
  // Compared as booleans, because a difference of ten megabytes cannot be printed.
  expect([ids.correlationId === own, correlationIdOf(authInfo) === own]).toEqual([true, true])
})
