import type { AuditReason } from '../../core/ports/audit-sink.ts'
import { placeOf } from '../client-state/redirect-uri.ts'
import type { PageEvent } from '../request/answer.ts'

/** A client as audit lines name it. Its name, if it gave one, is unverified. */
export interface AuditedClient {
  readonly label: string
  readonly name?: string | undefined
  readonly redirectUri?: string | undefined
}

/** Returns the fields of a client's line. The person is not known before the identity provider has answered. */
export function clientFields({ label, name, redirectUri }: AuditedClient) {
  return {
    clientId: label,
    ...(name === undefined ? {} : { clientName: name }),
    ...(redirectUri === undefined ? {} : { destination: placeOf(redirectUri) }),
    actor: { kind: 'anonymous' },
  } as const
}

/** Returns the line of a login that was refused, or was ended by the person. */
export function clientRefused(reason: AuditReason, client?: AuditedClient): PageEvent {
  const fields = client ? clientFields(client) : ({ actor: { kind: 'anonymous' } } as const)
  return { type: 'client.refused', outcome: 'denied', reason, ...fields }
}
