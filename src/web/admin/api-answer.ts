import type { Context } from 'koa'
import { type ErrorCode, isCredentialVaultError } from '../../core/model/errors.ts'
import type { SecurityHeaders } from '../http/security-headers.ts'

/** An answer of the admin API. */
export interface ApiAnswer {
  readonly status: number
  /** JSON. Absent for 204. */
  readonly body?: object
  readonly headers?: SecurityHeaders
}

const RETRY_LATER = { 'Retry-After': '10' }

const STATUS: Partial<Record<ErrorCode, number>> = {
  configuration_invalid: 400,
  owner_unknown: 400,
  credential_absent: 404,
  credential_revoked: 409,
  conflict: 409,
  unsupported: 501,
  unavailable: 503,
  audit_unavailable: 503,
  outcome_unknown: 503,
  forbidden: 503,
  unauthenticated: 503,
}

/** An error as its status, stable code and text. Errors that are not ours give no text: theirs may hold input. */
export interface ApiFailure {
  readonly status: number
  readonly code: string
  readonly text: string
  readonly headers: SecurityHeaders
}

export function failureOf(error: unknown, correlationId: string): ApiFailure {
  if (!isCredentialVaultError(error)) {
    return { status: 500, code: 'unexpected', text: `It failed. Reference: ${correlationId}`, headers: {} }
  }
  const status = STATUS[error.code] ?? 500
  return { status, code: error.code, text: error.message, headers: status === 503 ? RETRY_LATER : {} }
}

export function refusal(status: number, error: string, description?: string): ApiAnswer {
  return { status, body: { error, ...(description !== undefined && { error_description: description }) } }
}

export function notAllowed(allow: string): ApiAnswer {
  return { ...refusal(405, 'method_not_allowed'), headers: { Allow: allow } }
}

export function sendJson(ctx: Context, { status, body, headers }: ApiAnswer, type = 'application/json'): void {
  if (headers) ctx.set(headers)
  ctx.status = status
  if (!body) {
    ctx.body = null
    ctx.status = status
    return
  }
  ctx.type = type
  ctx.body = JSON.stringify(body)
}
