import type { CredentialState } from '../model/credential-state.ts'
import type { User } from '../model/owner.ts'
import type { PendingKey, PendingOutcome } from './pending-store.ts'

/** A request for a credential: a call's for a missing one, or its owner's for any. */
export interface NewRequest {
  readonly provider: string
  readonly user: User
  /** As the MCP client calls itself; unverified. */
  readonly clientName?: string | undefined
  readonly tool?: string | undefined
  /** The state in which the credential was when the form was asked for. Only its owner asks for the form of an `active` one. */
  readonly cause: CredentialState
  /** Set if the owner opened the request on their own page, and no call waits for it. */
  readonly openedBy?: 'owner' | undefined
}

/** One open request for a credential. */
export interface PendingRequest extends NewRequest {
  readonly key: PendingKey
  /** The random-looking value in the form's URL: 43 base64url characters. Worthless without the owner's login. */
  readonly handle: string
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly expiresAt: number
  /** The id under which this call waits for the request, if it waits. */
  readonly waiterId?: string
}

/** The end of a wait for a request. */
export type WaitEnd = PendingOutcome | 'expired'
