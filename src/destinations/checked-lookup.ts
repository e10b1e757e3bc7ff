import { lookup as systemLookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { CredentialVaultError } from '../core/model/errors.ts'
import { isAddressAllowed } from './allowed-addresses.ts'

export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

/** Returns all addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>

export const resolveWithSystem: Resolve = (hostname) => systemLookup(hostname, { all: true })

/**
 * Makes a `lookup` for sockets that returns addresses only after checking all of them. The socket connects to the returned addresses, so a
 * name that resolves differently a moment later has no effect.
 */
export function checkedLookup(resolve: Resolve, allowPrivateAddresses: boolean): LookupFunction {
  return (hostname, { all, family }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        if (!addresses.every(({ address }) => isAddressAllowed(address, allowPrivateAddresses))) {
          callback(addressRefused(), '')
          return
        }
        const wanted = addresses.filter((one) => !family || one.family === Number(String(family).replace('IPv', '')))
        const [first] = wanted
        if (!first) callback(notFound(), '')
        else if (all) callback(null, [...wanted])
        else callback(null, first.address, first.family)
      },
      () => callback(notFound(), ''),
    )
  }
}

export function addressRefused(): CredentialVaultError {
  return new CredentialVaultError(
    'destination_refused',
    'The destination resolves to an address that credentials are not sent to. Set allowPrivateAddresses on it if it is in your own network.',
    { reason: 'address' },
  )
}

function notFound(): Error {
  return Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' })
}
