import { inspect, isDeepStrictEqual } from 'node:util'
import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { CredentialValues, ValuesOf, VariablesOptions } from '../model/variables.ts'
import type { CredentialNote } from '../ports/access-context.ts'
import type { CredentialReference } from './credential-reference.ts'

/** What a tool gets instead of a secret. It holds a reference and shows nothing else, however it is printed. */
export interface CredentialHandle<V extends VariablesOptions = VariablesOptions> {
  readonly provider: string
  /** Names the credential; `provider.resolve(reference, owner)` turns it into a handle again. */
  readonly reference: CredentialReference
  /**
   * Reads the values from the backend, audits the release, and passes them to `work`. Don't pass them on: the tool's answer is searched for
   * them. With `fresh` they are at most two seconds old, for a second attempt after the service refused values that may have been rotated.
   *
   * @throws `call_ended` after the tool call, `credential_absent`, `credential_revoked`, `unavailable`, `audit_unavailable`, …
   */
  use<T>(work: (values: ValuesOf<V>) => T | Promise<T>, options?: ReleaseOptions): Promise<T>
  /**
   * `fetch` with the credential's header, to the provider's declared `destinations` only. With a single destination, `/path` is appended
   * to its address. Follows no redirect to another origin. After a 401 it reads the credential again. If the credential was rotated, and the
   * body is text or empty, it sends the request once more.
   *
   * @throws `destination_refused`, and what `use` throws
   */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>
  toJSON(): { provider: string; reference: CredentialReference }
}

export interface ReleaseOptions {
  readonly fresh?: boolean
}

export interface HandleParts {
  readonly provider: string
  /** Called once, when the reference is first needed. */
  readonly reference: () => CredentialReference
  /** Audited read. */
  readonly release: (options?: ReleaseOptions) => Promise<CredentialValues>
  readonly isLive: () => boolean
  readonly send: (values: CredentialValues, input: string | URL, init?: RequestInit) => Promise<Response>
  /** Records that the service answered 401 or 403: the credential may have been revoked there. */
  readonly refused: (refusal: CredentialNote) => Promise<void>
}

export function createHandle<V extends VariablesOptions>(parts: HandleParts): CredentialHandle<V> {
  return Object.freeze(new Handle<V>(parts))
}

// A class, because each call makes one and an object of closures costs several times as much.
class Handle<V extends VariablesOptions> implements CredentialHandle<V> {
  readonly provider: string
  readonly #parts: HandleParts
  #reference: CredentialReference | undefined

  constructor(parts: HandleParts) {
    this.provider = parts.provider
    this.#parts = parts
  }

  get reference(): CredentialReference {
    this.#reference ??= this.#parts.reference()
    return this.#reference
  }

  async use<T>(work: (values: ValuesOf<V>) => T | Promise<T>, options?: ReleaseOptions): Promise<T> {
    // The variables' definitions give the stored strings this type.
    return work((await this.#release(options)) as ValuesOf<V>)
  }

  async fetch(input: string | URL, init?: RequestInit): Promise<Response> {
    const values = await this.#release()
    const answer = await this.#send(values, input, init)
    if (answer.status !== 401 || !canBeSentTwice(init)) return answer
    const rotated = await this.#rotated(values)
    if (!rotated) return answer
    await answer.body?.cancel()
    return this.#send(rotated, input, init)
  }

  async #send(values: CredentialValues, input: string | URL, init?: RequestInit): Promise<Response> {
    const answer = await this.#parts.send(values, input, init)
    const { status, url } = answer
    if (status === 401 || status === 403) {
      const where = URL.canParse(url) ? { destination: new URL(url).origin } : {}
      await this.#parts.refused({ type: 'credential.rejected_upstream', outcome: 'failure', status, ...where })
    }
    return answer
  }

  /** Returns the values if they changed; undefined also if the backend is down, since the 401 is the answer then. */
  async #rotated(before: CredentialValues): Promise<CredentialValues | undefined> {
    try {
      const now = await this.#release({ fresh: true })
      return isDeepStrictEqual({ ...now }, { ...before }) ? undefined : now
    } catch (error) {
      if (isCredentialVaultError(error, 'unavailable')) return undefined
      throw error
    }
  }

  toJSON(): { provider: string; reference: CredentialReference } {
    return { provider: this.provider, reference: this.reference }
  }

  [inspect.custom](): string {
    return `CredentialHandle { provider: '${this.provider}' }`
  }

  async #release(options?: ReleaseOptions): Promise<CredentialValues> {
    if (!this.#parts.isLive()) throw ended(this.provider)
    const values = await this.#parts.release(options)
    // The call may have answered during the read, and later output is not searched.
    if (!this.#parts.isLive()) throw ended(this.provider)
    return values
  }
}

/** A stream can be sent only once. */
function canBeSentTwice(init: RequestInit | undefined): boolean {
  return init?.body === undefined || init.body === null || typeof init.body === 'string'
}

function ended(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'call_ended',
    `This ${provider} credential belongs to a tool call that has ended. Await use() inside the handler, or resolve a reference.`,
  )
}
