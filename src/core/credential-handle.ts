import { inspect } from 'node:util'
import type { CredentialReference } from './credential-reference.ts'
import { CredentialVaultError } from './errors.ts'
import type { CredentialValues, ValuesOf, VariablesOptions } from './variables.ts'

/** What a tool gets instead of a secret. It holds a reference and shows nothing else, however it is printed. */
export interface CredentialHandle<V extends VariablesOptions = VariablesOptions> {
  readonly provider: string
  /** Names the credential; `provider.resolve(reference, owner)` turns it into a handle again. */
  readonly reference: CredentialReference
  /**
   * Reads the values from the backend, audits the release, and hands them to `work`. Don't let them out of it: what the tool answers is
   * searched for them.
   *
   * @throws `call_ended` after the tool call, `credential_absent`, `credential_revoked`, `unavailable`, `audit_unavailable`, …
   */
  use<T>(work: (values: ValuesOf<V>) => T | Promise<T>): Promise<T>
  /**
   * `fetch` with the credential's header, to the provider's declared `destinations` only. Follows no redirect to another origin.
   *
   * @throws `destination_refused`, and what `use` throws
   */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>
  toJSON(): { provider: string; reference: CredentialReference }
}

export interface HandleParts {
  readonly provider: string
  /** Made when it is first asked for. */
  readonly reference: () => CredentialReference
  /** Audited read. */
  readonly release: () => Promise<CredentialValues>
  readonly isLive: () => boolean
  readonly send: (values: CredentialValues, input: string | URL, init?: RequestInit) => Promise<Response>
}

export function createHandle<V extends VariablesOptions>(parts: HandleParts): CredentialHandle<V> {
  return Object.freeze(new Handle<V>(parts))
}

// A class, since one is made for each call and an object of closures costs several times as much.
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

  async use<T>(work: (values: ValuesOf<V>) => T | Promise<T>): Promise<T> {
    // The variables' definitions are what makes the stored strings these values.
    return work((await this.#release()) as ValuesOf<V>)
  }

  async fetch(input: string | URL, init?: RequestInit): Promise<Response> {
    return this.#parts.send(await this.#release(), input, init)
  }

  toJSON(): { provider: string; reference: CredentialReference } {
    return { provider: this.provider, reference: this.reference }
  }

  [inspect.custom](): string {
    return `CredentialHandle { provider: '${this.provider}' }`
  }

  async #release(): Promise<CredentialValues> {
    if (!this.#parts.isLive()) throw ended(this.provider)
    const values = await this.#parts.release()
    // The call may have answered meanwhile, and what comes after that is searched by nobody.
    if (!this.#parts.isLive()) throw ended(this.provider)
    return values
  }
}

function ended(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'call_ended',
    `This ${provider} credential belongs to a tool call that has ended. Await use() inside the handler, or resolve a reference.`,
  )
}
