/** One request to Vault's HTTP API and its answer. */
export interface HashicorpVaultRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/v1/`, made of storage keys and configured names only: nothing is encoded on the way. */
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>> | undefined
  readonly token?: string | undefined
  readonly namespace?: string | undefined
  readonly correlationId?: string | undefined
  /** Nothing is stored by it, so that it may be made again when its answer is lost. */
  readonly isLogin?: boolean
  /** Carries the total deadline. */
  readonly signal: AbortSignal
}

export interface HashicorpVaultAnswer {
  readonly status: number
  /** `date`, `location` and `retry-after`, as far as they came. */
  readonly headers: Readonly<Record<string, string>>
  /** The parsed JSON object, empty after 204; undefined when the answer is no JSON object, so that something else than Vault answered. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

export type HashicorpVaultSend = (request: HashicorpVaultRequest) => Promise<HashicorpVaultAnswer>

export function valueAt(body: unknown, ...path: readonly string[]): unknown {
  let found: unknown = body
  for (const name of path) found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
  return found
}

/** A part of an answer that has to be an object to be of use. */
export function objectAt(body: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  const found = valueAt(body, ...path)
  return isObject(found) ? found : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether the request can have changed something although its answer never came. */
export function changes({ method, isLogin = false }: Pick<HashicorpVaultRequest, 'method' | 'isLogin'>): boolean {
  return method !== 'GET' && !isLogin
}
