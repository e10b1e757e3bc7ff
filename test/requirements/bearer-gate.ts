import { ask, type Chapter } from './requirement.ts'

const AUDIENCE = ['attacks/token/other-audience', 'is refused'] as const
const OPEN_SESSION = ['attacks/token/on-an-open-session', 'is refused on an open session'] as const
const CHALLENGES = [
  'web/bearer/bearer-gate',
  'a bad token: 401 invalid_token, nothing of it comes back, and it is audited',
] as const
const METADATA = [
  'web/bearer/bearer-gate',
  'is the same at the inserted path and at the root, and never takes up the host',
] as const

export const bearerGate: Chapter = {
  title: 'Access tokens',
  requirements: [
    ask('ASVS 8.1.1', 1, 'Rules say who may call what.').reasoned(
      'docs/identity.md and the design page: everybody with a good token reaches the endpoint; tools act on the own credential alone; operators act on the command line.',
    ),
    ask('ASVS 8.2.1', 1, 'Code enforces them.').tested(
      ['web/bearer/bearer-gate', 'a good token without a scope: 403 insufficient_scope, audited with its owner'],
      ['e2e/answers', "a session belongs to its owner's tokens"],
    ),
    ask('ASVS 8.2.2', 1, 'People reach only what is theirs.').tested(
      ['e2e/handles', 'resolves during its call, for its owner and provider alone'],
      ['attacks/link/forwarded', 'Bob opens and submits a link that Alice sent him'],
      ['attacks/calls/mcp-session-of-another-user', 'Bob finds no session under the id of Alice'],
    ),
    ask('ASVS 8.2.3', 2, 'People reach only the fields that they may.').tested(
      ['cli/operator-commands', 'shows who has what, and no value'],
      ['e2e/handles', 'shows no value, however it is printed'],
    ),
    ask('ASVS 8.3.2', 3, 'A change of rights acts at once.').tested([
      'attacks/form/submit-after-revoke',
      'somebody whose sessions were ended saves nothing with a form that is still open',
    ]),
    ask('ASVS 8.3.3', 3, 'The person decides, not the program in between.').tested([
      'attacks/calls/arguments-as-identity',
      'takes nothing in the arguments for it',
    ]),
    ask('ASVS 8.4.1', 2, 'Nothing crosses tenants.').tested(
      ['attacks/login/mix-up-of-issuers', 'the same subject at two issuers is two owners'],
      ['core/requests/pending-requests', '%s gets its own'],
    ),
    ask('ASVS 9.1.1', 1, 'A signature is checked before anything else counts.').tested(
      ['attacks/token/edited-payload', 'is refused'],
      ['attacks/token/foreign-key', "a stranger's key under our key's name does not verify"],
    ),
    ask('ASVS 9.1.2', 1, 'Algorithms are listed; `none` and shared secrets are not among them.').tested(
      ['attacks/token/none-algorithm', 'is refused'],
      ['attacks/token/hs256-with-public-key', 'our public key is no %s secret'],
      ['identity/access-token/access-token', 'an algorithm that is not listed is refused'],
    ),
    ask('ASVS 9.1.3', 1, 'Keys come from the configured issuer, not from the token.').tested(
      ['attacks/token/key-in-header', 'a key that the header brings along in %s is not looked at'],
      ['attacks/token/unknown-kid-flood', 'fifty tokens by unknown keys cause at most one fetch'],
    ),
    ask('ASVS 9.2.1', 1, 'The time of validity is checked.').tested(
      ['attacks/token/expired', 'a token is refused from the second on at which the tolerance ends'],
      ['attacks/token/expired', 'a token without an end is refused'],
    ),
    ask('ASVS 9.2.2', 2, 'Tokens of other kinds are refused.').tested(
      ['attacks/token/other-kinds', 'is no access token'],
      ['attacks/token/id-token-as-bearer', 'the ID token of a real login is no access token'],
    ),
    ask('ASVS 9.2.3', 2, 'A token is for this service.').tested(AUDIENCE),
    ask('ASVS 10.3.1', 2, 'Only tokens meant for this server are accepted.').tested(AUDIENCE, OPEN_SESSION),
    ask('ASVS 10.3.2', 2, 'Delegated rights take part in the decision.').tested([
      'web/bearer/bearer-gate',
      'a good token without a scope: 403 insufficient_scope, audited with its owner',
    ]),
    ask('ASVS 10.3.3', 2, 'The user comes from claims that are never given to somebody else.').tested(
      ['identity/access-token/access-token', 'the configured claim names the user'],
      ['attacks/token/without-subject', 'without the configured claim, sub is no substitute'],
    ),
    ask('ASVS 10.3.5', 3, 'Tokens are bound to their sender.').open(
      'DPoP and certificate-bound tokens are not supported, and are refused: taken as plain bearer tokens, stolen ones would work.',
    ),
    ask('RFC 9700 §2.2.1', 'SHOULD', 'Access tokens are bound to their sender.').reasoned(
      'For the authorization server to issue; the server accepts bearer tokens and says so in its metadata.',
    ),
    ask('RFC 9700 §2.3', 'MUST', 'Each request is checked for audience and action.').tested(OPEN_SESSION),
    ask('RFC 9700 §4.9.3', 'MUST', 'Received tokens are secrets: not stored, not handed on.').tested([
      'canary/canary',
      'no secret arrived in any sink',
    ]),
    ask('RFC 9700 §4.13', 'MUST', 'What a proxy says of a request cannot be forged.').tested(
      ['attacks/form/forwarded-headers', 'without a trusted proxy nobody escapes a limit'],
      ['attacks/form/forwarded-headers', 'no header of a proxy changes what pages'],
    ),
    ask('RFC 9700 §4.15', 'MUST', 'A program with a token of its own does not pass as a person.').tested([
      'attacks/token/machine',
      'a token that a program got for itself does not pass as a person',
    ]),
    ask('RFC 7662 §2.1', 'MUST', 'The server authenticates itself when it looks a token up.').tested([
      'identity/access-token/introspection',
      'a wrong secret of ours is an outage too',
    ]),
    ask('RFC 7662 §4', 'MUST', 'What is active is not thereby meant for this server: the claims are checked.').tested(
      ['identity/access-token/introspection', 'is refused as a JWT would be'],
      ['attacks/token/introspection-other-audience', 'for another service does not open this one'],
    ),
    ask('RFC 7662 §4 (cache)', 'MUST NOT', 'An answer is not believed beyond the end of its token.').tested(
      ['identity/access-token/remembered-tokens', 'a token is verified anew once its own time is over'],
      ['attacks/token/introspection-revoked-token', 'is refused once the cache is over'],
    ),
    ask('RFC 6750 §2.1', 'MUST', 'Tokens are accepted in the Authorization header.').tested([
      'web/bearer/bearer-gate',
      'a good token: the SDK finds the principal',
    ]),
    ask('RFC 6750 §2.3', 'SHOULD NOT', 'Tokens are not taken from the query.').tested([
      'web/bearer/bearer-gate',
      'a token in the query',
    ]),
    ask('RFC 6750 §3', 'MUST', 'A refusal carries one Bearer challenge.').tested(CHALLENGES),
    ask('RFC 6750 §3.1', 'SHOULD', '400, 401 and 403 are told apart; no details when no token came.').tested(
      CHALLENGES,
      ['web/bearer/bearer-gate', 'a good token without a scope: 403 insufficient_scope'],
    ),
    ask('RFC 6750 §5.3', 'MUST NOT', 'No token is put into a cookie.').tested([
      'canary/canary',
      'no secret arrived in any sink',
    ]),
    ask('RFC 9728 §1.2', 'MUST', 'The resource is an https URL without fragment.').tested(
      ['identity/oidc-options', "audience: 'https://mcp.example.com/mcp#x'"],
      METADATA,
    ),
    ask('RFC 9728 §2', 'MUST', 'The metadata names the resource.').tested(METADATA),
    ask('RFC 9728 §3', 'MUST', 'The metadata stands at its well-known place.').tested(METADATA),
    ask('RFC 9728 §3.1', 'MUST', "The well-known part comes before the resource's own path.").tested(METADATA),
    ask('RFC 9728 §3.2', 'MUST', 'The answer is JSON without empty members.').tested(METADATA),
    ask('RFC 9728 §3.3', 'MUST', 'The resource is what the client used, never what `Host` says.').tested(METADATA, [
      'attacks/form/forwarded-headers',
      'no header of a proxy changes what pages',
    ]),
    ask('RFC 9728 §5.1', 'MAY', 'The challenge points at the metadata.').tested(CHALLENGES),
    ask('RFC 9728 §7.2', 'SHOULD', 'Only scopes for users are listed.').tested([
      'identity/access-token/access-token',
      'what clients are told is what is accepted',
    ]),
    ask('RFC 9728 §7.6', 'SHOULD', 'Listed authorization servers are those whose tokens are accepted.').tested([
      'identity/access-token/access-token',
      'what clients are told is what is accepted',
    ]),
    ask('RFC 9728 §7.10', 'SHOULD', 'The metadata says how long it may be kept.').tested(METADATA),
  ],
}
