import {
  type CredentialReference,
  openReference,
  type ReferenceContent,
  type ReferenceSealer,
  sealReference,
} from '../../core/credentials/credential-reference.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'

/** Limits a reference that ends with its call, in case the process ends first. */
const LONGEST_CALL_SECONDS = 24 * 3600

/** References to the credentials of a provider's accounts, and the calls that they end with. */
export interface CallReferences {
  begin(call: string): void
  end(call: string): void
  seal(sealer: ReferenceSealer, key: StorageKey, call: string): CredentialReference
  /** Returns undefined for another owner or provider, and for an expired, ended or changed reference. */
  open(sealer: ReferenceSealer, text: string, owner: Owner): ReferenceContent | undefined
}

/**
 * @param providers the names under which the accounts of one provider store credentials
 * @param ttlSeconds how long a reference lives, whether or not its call has ended. Default: as long as the call
 */
export function createCallReferences(providers: ReadonlySet<string>, ttlSeconds: number | undefined): CallReferences {
  const live = new Set<string>()
  return {
    begin: (call) => void live.add(call),
    end: (call) => void live.delete(call),
    seal: (sealer, { provider, owner }, call) =>
      sealReference(
        sealer,
        { provider, owner, ...(ttlSeconds === undefined ? { call } : {}) },
        Date.now() + (ttlSeconds ?? LONGEST_CALL_SECONDS) * 1000,
      ),
    open(sealer, text, owner) {
      const content = openReference(sealer, text, providers, owner)
      return content && (content.call === undefined || live.has(content.call)) ? content : undefined
    },
  }
}
