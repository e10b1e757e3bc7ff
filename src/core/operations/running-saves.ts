import type { CredentialWriter } from '../credentials/credential-writer.ts'
import { type Owner, ownerKey } from '../model/owner.ts'

/** The saves of this process that have begun, so that an offboarding can revoke what they have written. */
export interface RunningSaves {
  /** Resolves once every save of this owner that has begun is over. */
  settled(owner: Owner): Promise<void>
}

/** Returns the same writer, with its saves counted. */
export function countingSaves(writer: CredentialWriter): CredentialWriter & RunningSaves {
  const running = new Map<string, Set<Promise<unknown>>>()
  return {
    revoke: writer.revoke,

    async save(key, ...parameters) {
      const name = ownerKey(key.owner)
      const own = running.get(name) ?? new Set()
      running.set(name, own)
      const save = writer.save(key, ...parameters)
      own.add(save)
      try {
        return await save
      } finally {
        own.delete(save)
        if (own.size === 0) running.delete(name)
      }
    },

    async settled(owner) {
      await Promise.allSettled(running.get(ownerKey(owner)) ?? [])
    },
  }
}
