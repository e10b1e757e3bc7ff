import { CredentialVaultError } from '../core/model/errors.ts'
import type { CredentialValues } from '../core/model/variables.ts'
import type { Verification } from '../core/ports/form-provider.ts'
import type { BoundFetch } from './bound-fetch.ts'
import type { Destination } from './destination.ts'
import { type HttpCheck, type HttpCheckOptions, httpCheck } from './http-check.ts'
import { valueAt } from './json-pointer.ts'
import { readExpiry } from './read-expiry.ts'

export interface BoundCheckParts {
  /** The name of the service that users see. */
  readonly label: string
  readonly destinations: readonly Destination[]
  readonly fetch: BoundFetch['fetch']
}

/** Largest answer that is read, in bytes after decoding. */
const MAX_ANSWER = 256 * 1024

/**
 * Binds a check to its provider's destinations.
 *
 * @returns a function that asks the service. It throws when there is no verdict.
 * @throws `configuration_invalid` when the check's URL is at none of them
 */
export function boundCheck(
  check: HttpCheck,
  { label, destinations, fetch }: BoundCheckParts,
): (values: CredentialValues, signal: AbortSignal) => Promise<Verification> {
  // Checked again: another copy of the package, or a caller by hand, may have made the object.
  const options: HttpCheckOptions = httpCheck(check.httpCheck).httpCheck
  const { json, headers } = options
  const target = targetOf(options.url, destinations)
  return async (values, signal) => {
    const response = await fetch(values, target.url(values), {
      headers: {
        accept: 'application/json',
        ...(json !== undefined && { 'content-type': 'application/json' }),
        'user-agent': 'mcp-credential-vault',
        ...headers,
      },
      ...(json !== undefined && { method: 'POST', body: JSON.stringify(json) }),
      redirect: 'error',
      signal,
    })
    try {
      return await verdict(response, options, { label, isUsersAddress: target.isUsersAddress })
    } finally {
      await response.body?.cancel().catch(() => undefined)
    }
  }
}

interface Target {
  /** Whether the user entered the address. */
  readonly isUsersAddress: boolean
  url(values: CredentialValues): string
}

function targetOf(url: HttpCheckOptions['url'], destinations: readonly Destination[]): Target {
  if (typeof url === 'object') {
    const found = destinations.find(({ fromField }) => fromField === url.fromField)
    if (!found) throw misplaced('fromField names no field of destinations')
    return { isUsersAddress: true, url: (values) => (found.base(values) ?? '') + url.path }
  }
  const [only, second] = destinations
  if (url.startsWith('/')) {
    if (!only || second) throw misplaced('url is a path, which needs a provider with exactly one destination')
    return { isUsersAddress: only.fromField !== undefined, url: () => url }
  }
  // Without values, a destination from a field has no origin.
  const declared = destinations.some((one) => one.origin({}) === new URL(url).origin)
  if (!declared) throw misplaced('url is at none of the origins of destinations')
  return { isUsersAddress: false, url: () => url }
}

function misplaced(problem: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', `httpCheck: ${problem}.`, { reason: 'option' })
}

interface Asked {
  readonly label: string
  readonly isUsersAddress: boolean
}

async function verdict(response: Response, options: HttpCheckOptions, asked: Asked): Promise<Verification> {
  const { status } = response
  if (status === 200 || status === 204) return accepted(response, options, asked)
  const problem = isBusy(response) ? undefined : (options.problems?.[status] ?? defaultProblem(status, asked))
  if (problem === undefined) throw noVerdict(`${asked.label} answered with status ${status}`, response)
  return { ok: false, problem }
}

async function accepted(response: Response, options: HttpCheckOptions, asked: Asked): Promise<Verification> {
  const { expect = {}, refuse = {}, account, expires } = options
  const json = readsBody(options) ? await readJson(response, asked.label) : undefined
  const isRefused = Object.entries(refuse).some(([pointer, values]) =>
    values.some((one) => one === valueAt(json, pointer)),
  )
  if (isRefused) return { ok: false, problem: options.problems?.[401] ?? NOT_ACCEPTED }
  const missing = Object.entries(expect).find(([pointer, value]) => valueAt(json, pointer) !== value)
  if (missing) throw unreadable(`${asked.label}'s answer lacks what was expected at ${missing[0]}`)
  const accountName = account === undefined ? undefined : nameIn(valueAt(json, account))
  const end = typeof expires === 'object' ? response.headers.get(expires.header) : valueAt(json, expires ?? '')
  const expiresAt = expires === undefined ? undefined : readExpiry(end)
  return { ok: true, ...(accountName !== undefined && { accountName }), ...(expiresAt && { expiresAt }) }
}

function readsBody({ expect = {}, refuse = {}, account, expires }: HttpCheckOptions): boolean {
  return Object.keys({ ...expect, ...refuse }).length > 0 || account !== undefined || typeof expires === 'string'
}

/** Whether a 403 is a rate limit, as GitHub's is. */
function isBusy({ status, headers }: Response): boolean {
  return status === 403 && (headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0')
}

const NOT_ACCEPTED = 'Check that it was copied completely, and that it has neither expired nor been revoked.'

function defaultProblem(status: number, { label, isUsersAddress }: Asked): string | undefined {
  if (status === 401) return NOT_ACCEPTED
  if (status === 403) return `${label} knows it, but it lacks a permission that is needed here. Enter one that has it.`
  if (status === 404 && isUsersAddress)
    return `${label} was not found at the address that you entered. Check the address.`
  return undefined
}

function noVerdict(problem: string, { status, headers }: Response): CredentialVaultError {
  const retryable = status === 429 || status === 403 || status === 408 || status >= 500
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return new CredentialVaultError('unavailable', `${problem}, which is no verdict on the credential.`, {
    reason: `status_${status}`,
    retryable,
    ...(retryable && seconds >= 0 && { retryAfterSeconds: seconds }),
  })
}

async function readJson(response: Response, label: string): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    // Leaving the loop ends the transfer.
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength
      if (size > MAX_ANSWER) break
      chunks.push(chunk)
    }
  } catch {
    throw new CredentialVaultError('unavailable', `${label} broke off its answer.`, {
      reason: 'service_broken_off',
      retryable: true,
    })
  }
  if (size > MAX_ANSWER)
    throw unreadable(`${label}'s answer is larger than ${MAX_ANSWER / 1024} KiB`, 'answer_too_large')
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    // Its text quotes the answer.
    throw unreadable(`${label}'s answer is not JSON`)
  }
}

function unreadable(problem: string, reason: 'answer' | 'answer_too_large' = 'answer'): CredentialVaultError {
  return new CredentialVaultError('unavailable', `${problem}. Check the url of httpCheck.`, { reason })
}

function nameIn(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}
