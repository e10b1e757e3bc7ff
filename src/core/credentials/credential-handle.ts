import { inspect } from 'node:util'
import { z } from 'zod'
import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import { type OptionSchemas, parseOptions } from '../model/options.ts'
import { parsedUrl } from '../model/url-value.ts'
import type { CredentialValues, ValuesOf, VariablesOptions } from '../model/variables.ts'
import type { CredentialNote } from '../ports/access-context.ts'
import type { StoredVersion } from '../ports/secret-backend.ts'
import type { Release } from './credential-reader.ts'
import type { CredentialReference } from './credential-reference.ts'

/** What a tool gets instead of a secret. It holds a reference and shows nothing else, however it is printed. */
export interface CredentialHandle<V extends VariablesOptions = VariablesOptions> {
  readonly provider: string
  /** Names the credential; `provider.resolve(reference, owner)` turns it into a handle again. */
  readonly reference: CredentialReference
  /**
   * Reads the values from the backend, audits the release, and passes them to `work`. Don't pass them on: the tool's answer is searched for
   * them. With `fresh` they are at most two seconds old, for a second attempt after the service rejected values that may have been rotated.
   * `version` names what was read.
   *
   * @throws `call_ended` after the tool call, `credential_absent`, `credential_revoked`, `unavailable`, `audit_unavailable`, …
   */
  use<T>(work: (values: ValuesOf<V>, version: StoredVersion) => T | Promise<T>, options?: ReleaseOptions): Promise<T>
  /**
   * `fetch` with the credential's header, to the provider's declared `destinations` only. With a single destination, `/path` is appended
   * to its address. Follows no redirect to another origin. After a 401, or what the provider's `rejectedWhen` declares, it reads the
   * credential again. If the credential was rotated, and the body is text or empty, it sends the request once more. An answer that still
   * rejects the credential is returned, and counts as `reject()`.
   *
   * @throws `destination_refused`, and what `use` throws
   */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>
  /**
   * Reports that the service rejected the values that this call used last: they are dead, and the owner has to enter others. Don't report a
   * 403, a 5xx or a time-out, which say nothing about the credential. Nothing happens before the handler has settled. Then the gate discards
   * its result, puts that version out of use, asks the owner, and runs the handler once more from the top. For a handle that no gate waits
   * for, the version is out of use when this resolves. Before anything was released there is nothing to reject, and nothing happens.
   *
   * @param rejection `status`: the service's HTTP status, for the audit log
   * @throws `call_ended` after the tool call; outside a gate also `unavailable` and `audit_unavailable`
   */
  reject(rejection?: { readonly status?: number }): Promise<void>
  toJSON(): { provider: string; reference: CredentialReference }
}

export interface ReleaseOptions {
  readonly fresh?: boolean
}

const releaseOptions = z.strictObject({ fresh: z.boolean().optional() } satisfies OptionSchemas<ReleaseOptions>)

export interface HandleParts {
  readonly provider: string
  /** Called once, when the reference is first needed. */
  readonly reference: () => CredentialReference
  /** Audited read. */
  readonly release: (options?: ReleaseOptions) => Promise<Release>
  readonly isLive: () => boolean
  readonly send: (values: CredentialValues, input: string | URL, init?: RequestInit) => Promise<Response>
  /** Records that the service answered 401 or 403: the credential may have been revoked there. */
  readonly refused: (refusal: CredentialNote) => Promise<void>
  /** Whether an answer says that the credential is dead. */
  readonly rejectedBy: (answer: Response) => boolean | Promise<boolean>
  /** Without `version`, the rejection is about what the call was given last. */
  readonly reject: (rejection: Rejection) => Promise<void>
}

/** A service's rejection of the values of one version. */
export interface Rejection {
  /** The version that was rejected. Undefined when another call had put it out of use before this one read it. */
  readonly version?: StoredVersion | undefined
  /** HTTP status, where there was one. */
  readonly status?: number | undefined
  /** Origin of the service, where it is known. */
  readonly destination?: string | undefined
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

  async use<T>(
    work: (values: ValuesOf<V>, version: StoredVersion) => T | Promise<T>,
    options?: ReleaseOptions,
  ): Promise<T> {
    if (options) parseOptions(releaseOptions, options, `use() of ${this.provider}`)
    const { values, version } = await this.#release(options)
    // The variables' definitions give the stored strings this type.
    return work(values as ValuesOf<V>, version)
  }

  async fetch(input: string | URL, init?: RequestInit): Promise<Response> {
    const first = await this.#release()
    const answer = await this.#send(first.values, input, init)
    if (!(await this.#parts.rejectedBy(answer))) return answer
    const rotated = canBeSentTwice(init) ? await this.#rotated(first) : undefined
    if (!rotated) return this.#rejected(answer, first.version)
    await answer.body?.cancel()
    const second = await this.#send(rotated.values, input, init)
    return (await this.#parts.rejectedBy(second)) ? this.#rejected(second, rotated.version) : second
  }

  async reject({ status }: { readonly status?: number } = {}): Promise<void> {
    if (!this.#parts.isLive()) throw ended(this.provider)
    await this.#parts.reject({ status })
  }

  async #rejected(answer: Response, version: StoredVersion): Promise<Response> {
    await this.#parts.reject({ version, status: answer.status, ...originOf(answer) })
    return answer
  }

  async #send(values: CredentialValues, input: string | URL, init?: RequestInit): Promise<Response> {
    const answer = await this.#parts.send(values, input, init)
    const { status } = answer
    if (status === 401 || status === 403) {
      const refusal = { type: 'credential.rejected_upstream', outcome: 'failure', status } as const
      await this.#parts.refused({ ...refusal, ...originOf(answer) })
    }
    return answer
  }

  /** Returns the newer version, if there is one; undefined also if the backend is down, since the 401 is the answer then. */
  async #rotated(before: Release): Promise<Release | undefined> {
    try {
      const now = await this.#release({ fresh: true })
      return now.version.ref === before.version.ref ? undefined : now
    } catch (error) {
      if (isCredentialVaultError(error, 'unavailable', 'credential_rejected')) return undefined
      throw error
    }
  }

  toJSON(): { provider: string; reference: CredentialReference } {
    return { provider: this.provider, reference: this.reference }
  }

  [inspect.custom](): string {
    return `CredentialHandle { provider: '${this.provider}' }`
  }

  async #release(options?: ReleaseOptions): Promise<Release> {
    if (!this.#parts.isLive()) throw ended(this.provider)
    const released = await this.#parts.release(options)
    // The call may have answered during the read, and later output is not searched.
    if (!this.#parts.isLive()) throw ended(this.provider)
    return released
  }
}

// A tool can reach it from its handle, and all handles share it.
Object.freeze(Handle.prototype)

function originOf({ url }: Response): { readonly destination?: string } {
  const destination = parsedUrl(url)?.origin
  return destination === undefined ? {} : { destination }
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
