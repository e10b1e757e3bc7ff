import { setTimeout as delay } from 'node:timers/promises'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { BackendCall } from '../../core/ports/secret-backend.ts'
import type { HashicorpVaultSession } from './auth/session.ts'
import { CAS_TEXT, hashicorpVaultError, textsOf } from './transport/answer-error.ts'
import {
  type HashicorpVaultAnswer,
  type HashicorpVaultRequest,
  type HashicorpVaultSend,
  objectAt,
} from './transport/exchange.ts'

export type HashicorpVaultOperation = Pick<HashicorpVaultRequest, 'method' | 'path' | 'body'>

/** Sends requests as one principal. Returns a 2xx, a 404 or a lost compare-and-set, and throws our own error for anything else. */
export type HashicorpVaultClient = (
  operation: HashicorpVaultOperation,
  call: BackendCall,
) => Promise<HashicorpVaultAnswer>

/** Milliseconds between attempts at a replica that is behind (status 412). */
const REPLICA_WAITS = [50, 100, 200, 400] as const
const MAX_ATTEMPTS = 3

export function createHashicorpVaultClient(
  send: HashicorpVaultSend,
  session: HashicorpVaultSession,
  namespace: string | undefined,
): HashicorpVaultClient {
  async function withToken(
    operation: HashicorpVaultOperation,
    call: BackendCall,
  ): Promise<[HashicorpVaultAnswer, HashicorpVaultRequest]> {
    for (let attempt = 1; ; attempt += 1) {
      const token = await session.token(call.signal)
      const { method, path, body } = operation
      const { correlationId, signal } = call
      const request = { method, path, body, token, namespace, correlationId, signal }
      const answer = await send(request)
      const id = answer.body?.['request_id']
      if (typeof id === 'string' && id !== '') call.noteRequest?.(id)
      if (answer.status !== 403) return [answer, request]
      const verdict = await session.refused(token, textsOf(answer), attempt)
      if (verdict === 'unauthenticated' || (verdict === 'again' && attempt === MAX_ATTEMPTS)) throw tokenEnded()
      if (verdict === 'policy') return [answer, request]
    }
  }

  return async (operation, call) => {
    for (let attempt = 0; ; attempt += 1) {
      const [answer, request] = await withToken(operation, call)
      const wait = REPLICA_WAITS[attempt]
      if (answer.status === 412 && wait !== undefined) {
        await delay(wait)
        continue
      }
      if (answer.status < 300 || isNothingHere(answer) || isCasLost(answer)) return answer
      throw hashicorpVaultError(answer, request)
    }
  }
}

export function isCasLost(answer: HashicorpVaultAnswer): boolean {
  return answer.status === 400 && textsOf(answer).includes(CAS_TEXT)
}

/** Whether a 404 is about the credential and not about the mount: it describes a deleted version, or has no errors. */
function isNothingHere(answer: HashicorpVaultAnswer): boolean {
  if (answer.status !== 404) return false
  if (objectAt(answer.body, 'data', 'metadata')) return true
  // Other servers answer 404 with JSON too. Vault's has a list of errors.
  return Array.isArray(answer.body?.['errors']) && textsOf(answer) === ''
}

function tokenEnded(): CredentialVaultError {
  return new CredentialVaultError(
    'unauthenticated',
    "This server's Vault token has expired and could not be replaced. Give the server a new one; users' credentials are untouched.",
    { reason: 'token_ended' },
  )
}
