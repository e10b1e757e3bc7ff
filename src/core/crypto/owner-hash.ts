import type { Owner } from '../model/owner.ts'
import type { Sealer } from './seal.ts'

/**
 * Returns the keyed hash by which stores and limits know an owner. Every caller must use this one: when the hash that ends sessions
 * differs from the hash that sessions are checked by, ending them has no effect and reports no error.
 */
export function ownerHash(sealer: Pick<Sealer<never, 'owner'>, 'mac'>, { issuer, subject }: Owner): string {
  return sealer.mac('owner', issuer, subject).toString('base64url')
}
