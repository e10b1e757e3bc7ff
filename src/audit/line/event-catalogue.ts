import type { AuditEventType } from '../../core/ports/audit-sink.ts'
import type { LogEvent } from './log-events.ts'

/** Every type of line, with the sentence that docs and help show for it. */
export const EVENT_CATALOGUE: Readonly<Record<AuditEventType | LogEvent['type'], string>> = {
  'credential.requested':
    'A tool needed a credential, or its owner asked for the form; a link was made or reused. `reason`: its state.',
  'credential.resolved': 'A value is about to be handed to a tool, or to `verify` because its owner tests it.',
  'credential.read':
    'Values were read, not released: to keep fields that a command or form does not replace, or to see which are stored.',
  'credential.missing':
    'A tool, or a command that rotates, asked for the value of a credential that is absent or revoked.',
  'credential.denied': 'A release was refused, or the backend did not answer. `reason` says why.',
  'credential.rejected_upstream': 'The service at `destination` answered 401 or 403 to the value.',
  'credential.rejected':
    'The service at `destination` refused this `version`: it is out of use until its owner saves another one.',
  'credential.reinstated': 'The owner or an operator took the rejection of this `version` back: it is in use again.',
  'credential.service_unreachable':
    'The service at `destination` could not be reached or did not answer. `reason` says why.',
  'credential.storing': "A value is about to be written. The stored record carries this line's writer and number.",
  'credential.stored': 'The value is stored, as `version`.',
  'credential.store_failed': 'It is not stored. With `outcome_unknown` it may be.',
  'credential.verified':
    'The service accepted the value that was typed, or with `version` the stored one, which its owner tested.',
  'credential.verification_failed':
    'The service refused the value, or could not be asked. With `version`: the stored value, in a test.',
  'credential.rotated': 'An operator put another value in place with the command line.',
  'credential.revoked': 'The credential was revoked, or there was nothing to revoke.',
  'credential.purged': 'Revoked, and its mark removed as well.',
  'credential.revoke_failed': 'It was not revoked. With `outcome_unknown` it may be.',
  'credential.injected': 'The process `pid` is about to become a server that has the value of `version` for its life.',
  'credential.echoed': 'A tool result that contained the secret was withheld.',
  'credential.crossed': "A result of `owner`'s call contained another owner's secret for `provider`. Worth an alarm.",
  'child.started': 'The server in the process `pid` was started, with the value of `version`.',
  'child.ended': 'It has ended, with all that it had started. `reason` says why.',
  'account.opened': 'A user looked at the list of their own credentials.',
  'form.opened': "The link's owner was shown the form.",
  'form.cancelled': 'The owner ended the request on the form.',
  'form.identity_mismatch':
    'A person who is not the owner opened the link: `actor` opened it, `owner` owns it. Worth an alarm.',
  'form.rejected': 'A submitted form was refused: CSRF, rate limit, fields that do not fit.',
  'login.succeeded': 'A user signed in to the pages.',
  'login.failed': 'A sign-in was refused or not finished.',
  'login.ended': 'Sessions were ended, by the user or by an operator.',
  'token.rejected': 'An access token or request was refused at the MCP endpoint or the admin API.',
  'client.approved':
    'A person let the MCP client `clientId` log in through this server, now or, with a `reason`, earlier in this browser.',
  'client.refused': 'A login of an MCP client through this server was refused or failed. `reason` says why.',
  'client.token_requested': 'The identity provider is about to be asked for tokens for the MCP client `clientId`.',
  'client.token_issued': 'The MCP client `clientId` is about to be given tokens of `owner`.',
  'refusals.counted':
    "`count` strangers' refusals and consents of one minute have no line: over 60 of an address, 600 in all.",
  'record.tampered': 'A stored record fails its integrity checks. Worth an alarm.',
  'store.rollback_detected': 'An earlier state of the store was put back. Worth an alarm.',
  'backend.error': '`backend`, the pending store or the identity provider stopped working.',
  'backend.recovered': 'It works again.',
  'key.created': 'A new store was made; `version` is the id of its key.',
  'key.rotated': 'All new records of the sealed file are about to use a new key.',
  'key.resealing': 'An operator starts to rewrite the records under the newest key.',
  'key.resealed': '`count` records were rewritten. In the sealed file their versions stay the same.',
  'key.rewrapped':
    "The sealed file's keys are about to be locked with the store key `version` instead of `previousVersion`.",
  'key.writer_exported':
    "An operator is about to get the form tier's keys of the sealed file, up to the key `version`.",
  'key.reader_exported':
    "An operator is about to get the tool tier's keys, which open every record, up to the key `version`.",
  'key.retired': 'The earlier keys of the sealed file are about to be removed.',
  'key.change_failed':
    'A change of the keys failed. `reason` says why; `key.resealing` may have rewritten some records.',
  'key.exposure_listed': 'An operator listed the credentials that an exposed key could have opened.',
  'admin.listed': 'An operator listed who has a credential.',
  'admin.offboarded':
    'An operator offboarded the owner: `count` credentials were revoked. `failure`: something is left.',
  'admin.shown': "An operator looked at one credential's state.",
  'admin.checked': '`doctor` tried whether everything is as it should be.',
  'audit.read': 'The log was read, exported, verified or reconciled with the command line.',
  'audit.gap': '`count` lines could be neither written nor kept until they could.',
  'audit.opened': 'First line of a chain: the public key, and where the other files in the folder ended.',
  'audit.key_retired':
    'The key `key` is retired: `heads` says where its chains end. Lines that it signs later count as forged.',
  'audit.segment_closed': 'Last line of a file that another one of the same chain follows.',
  'audit.closed': 'Last line of a chain: the process ended in an orderly way.',
  'audit.segment_purged': 'A file older than the retention time is removed.',
  'audit.writer_failed':
    'The file of another chain could not be written any more; its lines after `lastSeq` were never acknowledged.',
}

export function isKnownType(type: string): boolean {
  return Object.hasOwn(EVENT_CATALOGUE, type)
}
