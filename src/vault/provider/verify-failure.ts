import { createEchoGuard } from '../../core/echo-guard/echo-guard.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { FieldProblem } from '../../core/model/form-values.ts'
import { printable } from '../../core/model/printable.ts'
import type { CredentialValues, Variable } from '../../core/model/variables.ts'
import { connectionFailure } from '../../core/network/connection-failure.ts'
import { serviceReason } from '../../core/network/service-outage.ts'
import type { VerifyFailure } from '../../core/ports/form-provider.ts'
import { isSendable } from '../../destinations/credential-header.ts'

/** Describes an error of `verify` without any of the values. */
export function verifyFailure(error: unknown, variables: readonly Variable[], values: CredentialValues): VerifyFailure {
  const fields = isAboutAHeader(error) ? unsendableFields(variables, values) : new Map<string, FieldProblem>()
  return {
    ok: 'unknown',
    ...(fields.size > 0 ? { reason: 'header_value', passing: false } : outageOf(error)),
    detail: detailOf(error, variables, values),
    fields,
  }
}

const LASTING: ReadonlySet<string | undefined> = new Set(['tls', 'plain_http', 'not_http'])

function outageOf(error: unknown): Pick<VerifyFailure, 'reason' | 'passing'> {
  if (isCredentialVaultError(error)) return { reason: error.reason ?? error.code, passing: error.retryable }
  const failure = connectionFailure(error)
  if (failure) return { reason: serviceReason(failure), passing: !LASTING.has(failure) }
  return { reason: 'unexpected', passing: false }
}

/** Whether the error is about a header value. fetch, undici and node:http each word it differently, before sending anything. */
function isAboutAHeader(error: unknown): boolean {
  return chainOf(error).some(({ message, code }) => /ByteString|header/i.test(message) || code === 'ERR_INVALID_CHAR')
}

function unsendableFields(variables: readonly Variable[], values: CredentialValues): ReadonlyMap<string, FieldProblem> {
  const names = variables.filter(({ name }) => !isSendable(values[name] ?? '')).map(({ name }) => name)
  return new Map(names.map((name) => [name, 'header_value']))
}

const MAX_DETAIL = 500
const MAX_CHAIN = 4
/** Shortest part of a value that counts as quoted. Shorter parts occur by chance. */
const PIECE = 12
const WITHHELD = 'its message held a part of what was typed and is withheld'

function detailOf(error: unknown, variables: readonly Variable[], values: CredentialValues): string {
  const links = chainOf(error).map(({ name, message, code }) => `${name}: ${message}${code === '' ? '' : ` (${code})`}`)
  const text = links.length > 0 ? links.join(', because of ') : `it threw ${typeof error}`
  const guard = createEchoGuard()
  guard.add(variables, values, { includeShort: true })
  const shown = printable(text.replace(/\s+/g, ' ')).slice(0, MAX_DETAIL)
  if (guard.finds(text) || guard.finds(shown) || quotesSecret(shown, variables, values)) return WITHHELD
  return shown
}

function quotesSecret(text: string, variables: readonly Variable[], values: CredentialValues): boolean {
  const secrets = variables.filter(({ secret }) => secret).map(({ name }) => values[name] ?? '')
  for (let at = 0; at + PIECE <= text.length; at += 1) {
    const piece = text.slice(at, at + PIECE)
    if (secrets.some((secret) => secret.includes(piece))) return true
  }
  return false
}

interface Link {
  readonly name: string
  readonly message: string
  readonly code: string
}

/** Returns the error and its causes. It also accepts errors of another realm. */
function chainOf(error: unknown): readonly Link[] {
  const links: Link[] = []
  let inner = error
  while (links.length < MAX_CHAIN && typeof inner === 'object' && inner !== null) {
    const { name, message, code, cause } = inner as Readonly<Record<string, unknown>>
    links.push({
      name: typeof name === 'string' ? name : 'Error',
      message: typeof message === 'string' ? message : '',
      code: typeof code === 'string' ? code : '',
    })
    inner = cause
  }
  return links
}
