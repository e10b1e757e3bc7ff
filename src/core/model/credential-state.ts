/**
 * Every state in which an owner's credential can be. `active`: its values may be released. `absent`: never saved, or purged. `revoked`:
 * made unreadable, and the mark of that kept. `rejected`: the service rejected this version, so it is out of use until another one is saved.
 * `expired`: its known end has passed. `incomplete`: a field that the provider now requires is missing.
 * `core/journal/transitions.ts` has what leads from one to another.
 */
export type CredentialState = 'active' | RequestCause

/** The states in which the owner is asked for a credential. */
export const REQUEST_CAUSES = ['absent', 'revoked', 'rejected', 'expired', 'incomplete'] as const

export type RequestCause = (typeof REQUEST_CAUSES)[number]
