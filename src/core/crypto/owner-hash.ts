import type { Owner } from '../model/owner.ts'
import type { Sealer } from './seal.ts'

/**
 * Returns the keyed hash by which stores and limits know an owner. Every caller must use this one: when the hash that ends sessions
 * differs from the hash that sessions are checked by, ending them has no effect and reports no error.
 */
export function ownerHash(sealer: Pick<Sealer<never, 'owner'>, 'mac'>, { issuer, subject }: Owner): string {
  return sealer.mac('owner', issuer, subject).toString('base64url')
}

/** Returns the owner's hash with each web key, the current one first. What is looked up must be looked up under all of them. */
export function ownerHashes(
  sealer: Pick<Sealer<never, 'owner'>, 'macs'>,
  { issuer, subject }: Owner,
): readonly string[] {
  return sealer.macs('owner', issuer, subject).map((hash) => hash.toString('base64url'))
}
