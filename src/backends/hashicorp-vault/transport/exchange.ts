import { isJsonObject } from '../../../core/model/json.ts'

/** One request to Vault's HTTP API and its answer. */
export interface HashicorpVaultRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path below `/v1/`. It consists of storage keys and configured names, so it needs no encoding. */
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>> | undefined
  readonly token?: string | undefined
  readonly namespace?: string | undefined
  readonly correlationId?: string | undefined
  /** Whether it stores nothing, so that it may be repeated when its answer is lost. */
  readonly isLogin?: boolean
  /** Carries the total deadline. */
  readonly signal: AbortSignal
}

export interface HashicorpVaultAnswer {
  readonly status: number
  /** `date`, `location` and `retry-after`, if present. */
  readonly headers: Readonly<Record<string, string>>
  /** The JSON object, empty after 204. Undefined when the answer is no JSON object, so that another server than Vault answered. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

export type HashicorpVaultSend = (request: HashicorpVaultRequest) => Promise<HashicorpVaultAnswer>

export function valueAt(body: unknown, ...path: readonly string[]): unknown {
  let found: unknown = body
  for (const name of path) found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
  return found
}

/** Returns a part of an answer if it is an object. */
export function objectAt(body: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  const found = valueAt(body, ...path)
  return isJsonObject(found) ? found : undefined
}

/** Whether the request may have changed something even if its answer was lost. */
export function changes({ method, isLogin = false }: Pick<HashicorpVaultRequest, 'method' | 'isLogin'>): boolean {
  return method !== 'GET' && !isLogin
}
