import { ask, type Chapter } from './requirement.ts'

const OPEN_SESSION = ['attacks/token/on-an-open-session', 'is refused on an open session'] as const
const CANARY = ['canary/canary', 'no secret arrived in any sink'] as const
const FORWARDED = ['attacks/link/forwarded', 'Bob opens and submits a link that Alice sent him'] as const

export const aisvs: Chapter = {
  title: 'OWASP AISVS 1.0, chapter C10',
  requirements: [
    ask('AISVS C10.1.1', 1, 'MCP parts come from trusted sources.').reasoned(
      'The SDK is a peer whose range begins at 1.26 and which the operator installs; package-lock.json has its checksum here.',
    ),
    ask('AISVS C10.2.1', 1, 'Each request is authenticated.').tested(OPEN_SESSION, [
      'attacks/calls/mcp-session-of-another-user',
      'the id alone, without a token, is nothing',
    ]),
    ask('AISVS C10.2.2', 1, 'Issuer, audience, end and scope of its token are checked.').tested(OPEN_SESSION, [
      'attacks/token/on-an-open-session',
      'a token that lacks a scope is refused on an open session',
    ]),
    ask('AISVS C10.2.3', 1, 'The server keeps no access tokens and no user credentials.').tested(CANARY, [
      'core/requests/pending-requests',
      'holds no handle, owner, client or tool',
    ]),
    ask('AISVS C10.2.4', 2, 'Lists show what the scopes allow.').reasoned(
      'The tools are the operator’s, and so is their list; it does not depend on whether a credential is stored.',
    ),
    ask('AISVS C10.2.5', 2, 'Each call is authorized.').tested(
      ['e2e/blocking', 'the first call asks, waits and goes on'],
      ['attacks/calls/arguments-as-identity', 'takes nothing in the arguments for it'],
    ),
    ask('AISVS C10.2.6', 2, 'The end of a session ends what belonged to it.').tested([
      'attacks/calls/waiting-call-limit',
      'connections that are dropped before they are answered leave no session behind',
    ]),
    ask('AISVS C10.2.7', 2, "The client's token is not handed on.").tested(CANARY, [
      'destinations/bound-fetch',
      'is sent as',
    ]),
    ask('AISVS C10.3.1', 1, 'Remote servers use authenticated HTTP.').tested([
      'vault/open-vault',
      'a public URL without an identity, and lists the modes',
    ]),
    ask('AISVS C10.3.2', 1, 'Local transports stay local.').tested(['identity/local-user', 'http://localhost:3000']),
    ask('AISVS C10.3.3', 2, 'Origin and Host are checked.').tested(
      ['web/bearer/bearer-gate', 'origin %j: 403 even with a good token'],
      ['web/bearer/bearer-gate', 'host %j: 421 even with a good token'],
    ),
    ask('AISVS C10.4.1', 1, 'Results fit their schemas.').tested([
      'e2e/handles',
      'split over two blocks, or in structuredContent, is withheld',
    ]),
    ask('AISVS C10.4.3', 1, 'Arguments fit their schemas.').reasoned(
      'The SDK checks them against the schema that the operator gives; tools of our own there are none.',
    ),
    ask('AISVS C10.4.4', 2, 'Unknown arguments are refused.').reasoned(
      'As above: for the schema of the operator’s tool.',
    ),
    ask('AISVS C10.4.5', 2, 'Messages are bounded.').tested(['e2e/answers', 'a body over the limit']),
    ask('AISVS C10.4.6', 2, 'Answers are signed.').reasoned('MCP has no field for it; TLS is the answer.'),
  ],
}

const E = 'client/elicitation'

export const elicitation: Chapter = {
  title: 'MCP: URL-mode elicitation and state',
  requirements: [
    ask(`MCP 2025-11-25 ${E} 1`, 'MUST NOT', 'Form mode never asks for secrets.').tested([
      'e2e/answers',
      'a client without URL mode is answered in words, and nothing else is sent to it',
    ]),
    ask(`MCP 2025-11-25 ${E} 2`, 'MUST', 'Secrets are asked for in URL mode.').tested([
      'e2e/blocking',
      'the first call asks, waits and goes on',
    ]),
    ask(`MCP 2025-11-25 ${E} 3`, 'MUST NOT', 'No mode is used that the client did not declare.').tested(
      ['e2e/answers', 'a client without URL mode is answered in words, and nothing else is sent to it'],
      ['core/gate/gate-decision', 'no-url-elicitation'],
    ),
    ask(`MCP 2025-11-25 ${E} 4`, 'MUST', 'A request is bound to the client and the user.').tested(
      ['core/requests/pending-requests', '%s gets its own'],
      ['core/requests/pending-requests', '%s gets its own'],
    ),
    ask(`MCP 2025-11-25 ${E} 5`, 'MUST', 'Who opens the URL is identified before anything is accepted.').tested(
      ['attacks/link/opened-before-sign-in', 'without a sign-in, a link shows nothing, sets nothing and takes nothing'],
      FORWARDED,
    ),
    ask(`MCP 2025-11-25 ${E} 6`, 'MUST', 'It is the same user who began.').tested(FORWARDED, [
      'attacks/link/forwarded',
      "a victim who is sent the attacker's own link stores nothing under the attacker",
    ]),
    ask(`MCP 2025-11-25 ${E} 7`, 'MUST', 'The identification bears a changed URL.').tested(
      ['attacks/form/parameter-pollution', 'is refused, and its parameters are not repeated'],
      ['attacks/form/provider-name-tricks', 'the owner of a link opens and sends nothing under the name'],
    ),
    ask(`MCP 2025-11-25 ${E} 8`, 'MUST NOT', 'The URL holds no credential and nothing about the user.').tested([
      'core/requests/pending-requests',
      'any replica with the web key finds the request by its handle',
    ]),
    ask(`MCP 2025-11-25 ${E} 9`, 'MUST NOT', 'The URL is not signed in by itself.').tested([
      'attacks/link/opened-before-sign-in',
      'without a sign-in, a link shows nothing, sets nothing and takes nothing',
    ]),
    ask(`MCP 2025-11-25 ${E} 10`, 'SHOULD NOT', 'Form-mode fields hold no URLs to click.').reasoned(
      'Form mode is not used at all.',
    ),
    ask(`MCP 2025-11-25 ${E} 11`, 'SHOULD', 'URLs are https outside of development.').tested([
      'vault/open-vault',
      'opening refuses',
    ]),
    ask(`MCP 2025-11-25 ${E} 12`, 'MUST NOT', 'Identity is not what the client says.').tested([
      'attacks/calls/arguments-as-identity',
      'takes nothing in the arguments for it',
    ]),
    ask(`MCP 2025-11-25 ${E} 13`, 'MUST', 'Identity comes from the authorization, as the subject.').tested([
      'identity/access-token/access-token',
      'a token becomes a principal',
    ]),
    ask(`MCP 2025-11-25 ${E} 14`, 'MUST NOT', 'State does not hang on session ids alone.').tested(
      ['core/requests/pending-requests', '%s gets its own'],
      ['attacks/calls/mcp-session-of-another-user', 'Bob finds no session under the id of Alice'],
    ),
    ask(`MCP 2025-11-25 ${E} 15`, 'MUST', 'Stored state is protected.').tested(
      ['core/requests/pending-requests', 'holds no handle, owner, client or tool'],
      ['core/requests/pending-requests', 'a record moved under another key opens for nobody'],
    ),
    ask(`MCP 2025-11-25 ${E} 16`, 'MUST NOT', 'URL mode does not authorize anybody for this server.').tested([
      'attacks/calls/mcp-session-of-another-user',
      'the id alone, without a token, is nothing',
    ]),
    ask(`MCP 2025-11-25 ${E} 17`, 'MUST NOT', 'Credentials of other services do not pass through the client.').tested(
      CANARY,
    ),
    ask(`MCP 2025-11-25 ${E} 18`, 'MUST NOT', "The client's token is not used upstream.").tested(CANARY),
    ask(`MCP 2025-11-25 ${E} 19`, 'MUST', 'Decline, cancel and failing clients are handled.').tested(
      ['e2e/blocking', 'declining ends the request, and the next call asks anew'],
      ['e2e/blocking', 'dismissing answers with the link, which still works'],
      ['e2e/blocking', 'a client that cannot show the question still gives its user the link'],
    ),
    ask(`MCP 2025-11-25 ${E} 20`, 'MUST', 'Completion is told to the client that began, and to no other.').tested(
      ['e2e/answers', 'after failFast the saved form is reported to the client that asked, and to no other'],
      ['e2e/blocking', "is not told of the first one's elicitation"],
    ),
    ask(
      `MCP 2025-11-25 ${E} 21`,
      'MUST',
      'Error -32042 lists URL elicitations, and stands only where one is needed.',
    ).tested(
      ['e2e/answers', 'failFast answers with -32042, and words with the link in its message'],
      ['e2e/answers', 'a stateless mount'],
    ),
    ask('MCP 2025-11-25 basic/security_best_practices 1', 'MUST NOT', 'Sessions authenticate nobody.').tested([
      'attacks/calls/mcp-session-of-another-user',
      'the id alone, without a token, is nothing',
    ]),
    ask('MCP 2025-11-25 basic/security_best_practices 2', 'MUST', 'Session ids are random.').tested([
      'attacks/calls/mcp-session-of-another-user',
      'Bob finds no session under the id of Alice',
    ]),
    ask('MCP 2025-11-25 basic/security_best_practices 3', 'SHOULD', 'Sessions are bound to their user.').tested([
      'e2e/answers',
      "a session belongs to its owner's tokens",
    ]),
    ask('MCP 2026-07-28 basic/security_best_practices 1', 'MUST NOT', 'Having a handle is not being somebody.').tested(
      FORWARDED,
      ['e2e/handles', 'resolves during its call, for its owner and provider alone'],
    ),
    ask(
      'MCP 2026-07-28 basic/security_best_practices 2',
      'MUST',
      'Consent names the client and comes before the login’s cookie.',
    ).tested(
      ['attacks/link/opened-before-sign-in', 'without a sign-in, a link shows nothing, sets nothing and takes nothing'],
      ['web/form/form-flow', 'the owner signs in, fills in the form'],
    ),
    ask(
      'MCP 2026-07-28 basic/security_best_practices 3',
      'SHOULD',
      'Resolved addresses are pinned, and redirects checked again.',
    ).tested(
      ['attacks/fetch/dns-rebinding', 'what was checked is what is connected to'],
      ['attacks/fetch/redirect', 'a redirect %s is an error'],
    ),
    ask(
      'MCP 2026-07-28 basic/security_best_practices 4',
      'SHOULD',
      'Scopes are narrow, and challenges precise.',
    ).tested(['web/bearer/bearer-gate', 'a good token without a scope: 403 insufficient_scope']),
    ask('MCP 2026-07-28 basic/security_best_practices 5', 'SHOULD', 'A local server asks for a token.').tested([
      'identity/local-user',
      'without an access token none is good',
    ]),
  ],
}

const A = 'basic/authorization'
const T = 'basic/transports'

export const resourceServer: Chapter = {
  title: 'MCP: resource server and transport',
  requirements: [
    ask(`MCP 2025-11-25 ${A} 1`, 'MUST', 'RFC 9728 metadata is served, with an authorization server.').tested([
      'web/bearer/bearer-gate',
      'is the same at the inserted path and at the root, and never takes up the host',
    ]),
    ask(`MCP 2025-11-25 ${A} 2`, 'MUST', 'The metadata can be found by challenge or well-known URI.').tested([
      'web/bearer/bearer-gate',
      '%s: 401 and a challenge without an error',
    ]),
    ask(`MCP 2025-11-25 ${A} 3`, 'SHOULD', 'The challenge names the scopes.').tested([
      'web/bearer/bearer-gate',
      '%s: 401 and a challenge without an error',
    ]),
    ask(`MCP 2025-11-25 ${A} 4`, 'MUST', 'Tokens are validated, and made for this server.').tested(
      ['attacks/token/other-audience', 'is refused'],
      OPEN_SESSION,
    ),
    ask(`MCP 2025-11-25 ${A} 5`, 'MUST', 'An invalid or expired token gets 401.').tested([
      'web/bearer/bearer-gate',
      'a bad token: 401 invalid_token',
    ]),
    ask(`MCP 2025-11-25 ${A} 6`, 'MUST NOT', 'No other tokens are accepted or handed on.').tested(
      ['attacks/token/other-issuer', 'is refused'],
      CANARY,
    ),
    ask(`MCP 2025-11-25 ${A} 7`, 'SHOULD', 'A missing scope gets 403 with all that are needed.').tested([
      'web/bearer/bearer-gate',
      'a good token without a scope: 403 insufficient_scope',
    ]),
    ask(`MCP 2025-11-25 ${A} 8`, 'MUST NOT', 'Tokens are not taken from the query.').tested([
      'web/bearer/bearer-gate',
      'a token in the query',
    ]),
    ask(`MCP 2025-11-25 ${A} 9`, 'MUST', "The authorization server's endpoints are https.").tested([
      'identity/issuer/issuer-metadata',
      'http://keys.example.com/jwks',
    ]),
    ask(`MCP 2025-11-25 ${A} 10`, 'MUST', 'A malformed request gets 400.').tested([
      'web/bearer/bearer-gate',
      '%s: 400 invalid_request',
    ]),
    ask(`MCP 2025-11-25 ${T} 1`, 'MUST', 'A foreign Origin gets 403.').tested([
      'web/bearer/bearer-gate',
      'origin %j: 403 even with a good token',
    ]),
    ask(`MCP 2025-11-25 ${T} 2`, 'SHOULD', 'A local server binds to loopback.').reasoned(
      '`start` listens on 127.0.0.1 unless `--host` says otherwise.',
    ),
    ask(`MCP 2025-11-25 ${T} 3`, 'SHOULD', 'Every connection is authenticated.').tested(OPEN_SESSION),
    ask(
      `MCP 2025-11-25 ${T} 4`,
      'MUST',
      'Without a session id, a request that needs one gets 400; an unknown one 404.',
    ).tested(
      ['e2e/answers', 'no session and no initialize'],
      ['attacks/calls/mcp-session-of-another-user', 'Bob finds no session under the id of Alice'],
    ),
    ask('MCP 2025-11-25 server/tools 1', 'MUST', 'Calls are limited.').reasoned(
      'Sessions, open links and forms are limited for each owner (docs/configuration.md, "Fixed limits"); how often an operator’s tool may be called is the operator’s to say.',
    ),
    ask('MCP 2025-11-25 server/tools 2', 'MUST', 'Results are cleaned.').tested([
      'e2e/handles',
      'is withheld and audited',
    ]),
    ask('MCP 2025-11-25 basic/utilities/progress 1', 'MUST', 'Progress increases with each notification.').tested([
      'e2e/blocking',
      "progress keeps the client's own timer alive while the user types",
    ]),
  ],
}
