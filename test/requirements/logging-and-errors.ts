import { ask, type Chapter } from './requirement.ts'

export const loggingAndErrors: Chapter = {
  title: 'Logging and errors',
  requirements: [
    ask('ASVS 6.3.7', 3, 'People are told when their data changed.').open(
      'Nobody is told of a replaced or revoked credential before the next call.',
    ),
    ask('ASVS 16.1.1', 2, 'An inventory says what is logged, where, and for whom.').open(
      'SECURITY.md, "Data", has the audit line; a catalogue of all events is not written yet.',
    ),
    ask('ASVS 16.2.3', 2, 'Nothing is logged elsewhere.').tested(
      ['canary/canary', 'no secret arrived in any sink'],
      ['canary/canary', 'with DEBUG=* and NODE_DEBUG=* nothing of ours prints a secret'],
    ),
    ask('ASVS 16.2.1', 2, 'An entry says when, where, who and what.').tested(
      ['audit/line/audit-line', 'a line holds the time, an id, the fields, its place and its seal, in this order'],
      ['core/credentials/credentials', 'hands out the values after its audit line, which says who, what and for whom'],
    ),
    ask('ASVS 16.2.2', 2, 'Times are UTC.').tested([
      'audit/line/audit-line',
      'a line holds the time, an id, the fields, its place and its seal, in this order',
    ]),
    ask('ASVS 16.2.4', 2, 'Entries can be read by machines and joined.').tested([
      'audit/line/audit-line',
      'whatever text comes in, one line of JSON comes out',
    ]),
    ask('ASVS 16.2.5', 2, 'Sensitive data is logged only as its class allows.').tested(
      ['audit/line/audit-line', 'a field that lines do not have is a programming error'],
      ['canary/canary', 'no secret arrived in any sink'],
    ),
    ask('ASVS 16.3.1', 2, 'Sign-ins are logged, good and bad.').tested(
      ['web/form/form-flow', 'login.succeeded'],
      ['web/bearer/bearer-gate', 'a bad token: 401 invalid_token, nothing of it comes back, and it is audited'],
    ),
    ask('ASVS 16.3.2', 2, 'Refused authorization is logged.').tested(
      ['attacks/link/forwarded', 'form.identity_mismatch'],
      ['web/bearer/bearer-gate', 'audited with its owner'],
    ),
    ask('ASVS 16.3.3', 2, 'Attempts to get round controls are logged.').tested([
      'attacks/form/csrf-on-submit',
      'form.rejected',
    ]),
    ask('ASVS 16.3.4', 2, 'Failing controls are logged.').tested([
      'core/credentials/credentials',
      'withholds the values when the line cannot be written, and turns health red',
    ]),
    ask('ASVS 16.4.1', 2, 'No entry can be forged by its content.').tested(
      ['attacks/audit/log-injection', 'stays inside one line of it, and prints as plain text'],
      ['attacks/audit/log-injection', 'what the command line prints of an identity moves no cursor'],
    ),
    ask('ASVS 16.4.2', 2, 'The log is protected from reading and change.').tested(
      ['audit/json-lines', 'then a file for this user alone'],
      ['audit/json-lines', 'is noticed before the next line is acknowledged, and a new one is begun'],
    ),
    ask('ASVS 16.4.3', 2, 'Logs go to a separate system.').reasoned(
      'The log is a file that any agent can ship; sending it is for the operator.',
    ),
    ask('ASVS 6.3.8', 3, 'Failures do not tell whether somebody exists.').tested(
      ['attacks/link/enumeration', 'a stranger gets the same bytes for links'],
      ['attacks/link/enumeration-work', 'who is somebody else causes the same work'],
    ),
    ask('ASVS 15.3.1', 1, 'Answers hold what is needed and no more.').tested(
      ['cli/operator-commands', 'shows who has what, and no value'],
      ['attacks/link/forwarded', "expect(opened.text.toLowerCase()).not.toContain('alice')"],
    ),
    ask('ASVS 16.5.1', 2, 'Unexpected errors show a general text.').tested(
      ['web/form/save-failures', 'an error that nobody foresaw shows a reference'],
      ['e2e/answers', 'is told apart from an outage, without the words meant for operators'],
    ),
    ask('ASVS 16.5.2', 2, 'An outage of others does no harm.').tested(
      ['e2e/answers', 'an outage of the backend is told as such, and asks nobody for a new credential'],
      ['web/bearer/bearer-gate', 'a token that cannot be checked (%s): 503, never 401'],
      ['web/form/save-failures', 'a pending store that cannot be reached is an outage, not an unknown link'],
    ),
    ask('ASVS 16.5.3', 2, 'What fails, fails closed.').tested(
      ['core/credentials/credentials', 'withholds the values when the line cannot be written'],
      ['web/form/save-failures', 'sessions that cannot be looked up let nobody in'],
      ['web/form/save-failures', 'without an audit log nobody is signed in and no form is shown'],
    ),
    ask('ASVS 16.5.4', 3, 'A last handler catches everything.').tested([
      'web/form/save-failures',
      'an error that nobody foresaw shows a reference',
    ]),
  ],
}
