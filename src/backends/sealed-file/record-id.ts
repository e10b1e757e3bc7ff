import { keyedHash } from '../../core/crypto/sodium.ts'
import type { Owner } from '../../core/model/owner.ts'

const ID_BYTES = 20

/**
 * Names a credential's files: 40 hex digits of keyed BLAKE2b over its parts, each preceded by its length, so that no two credentials hash
 * the same bytes. Only the store's index key can show whose file it is.
 */
export function recordId(indexKey: Uint8Array, provider: string, owner: Owner): string {
  const parts = ['mcv-id-v1', provider, owner.issuer, owner.subject].map((part) => {
    const bytes = Buffer.from(part)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  })
  return Buffer.from(keyedHash(indexKey, Buffer.concat(parts), ID_BYTES)).toString('hex')
}
