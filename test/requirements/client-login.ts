import { ask, type Chapter } from './requirement.ts'

const OFF_THE_LIST = ['attacks/client-login/redirect-uri-off-the-list', 'is no place for the answer'] as const
const STOLEN = ['attacks/client-login/stolen-code', 'a code with its verifier, used by another registration'] as const
const GRANTS = ['attacks/client-login/other-grants', 'the grant type %j is not passed on'] as const
const ASKED_AGAIN = ['attacks/client-login/consent-skipped', 'and has agreed before, is asked again'] as const

/** With `clientLogin` only: the server is then the authorization server of its clients. */
export const clientLogin: Chapter = {
  title: 'Logins of MCP clients, with clientLogin',
  requirements: [
    ask('ASVS 10.4.1', 1, "An answer goes to the client's own redirect URIs, compared exactly.").tested(OFF_THE_LIST),
    ask('ASVS 10.4.2', 1, 'A code works once.').tested(['attacks/client-login/stolen-code', 'a code works once']),
    ask('ASVS 10.4.3', 1, 'A code lasts ten minutes at most.').reasoned(
      'The seal around it ends after ten minutes, and the identity provider ends the code inside it earlier.',
    ),
    ask('ASVS 10.4.4', 1, 'Only the grants that are needed are offered.').tested(GRANTS),
    ask('ASVS 10.4.5', 1, 'A refresh token of a public client cannot be replayed by others.').open(
      'It is bound to its client id, which is no secret. Rotation is left to the identity provider; the operator is warned where there is none.',
    ),
    ask('ASVS 10.4.6', 2, 'PKCE is required, and its verifier is checked.').tested(
      ['attacks/client-login/stolen-code', 'a code with %s'],
      ['attacks/client-login/open-redirect-on-error', "code_challenge_method: 'plain'"],
    ),
    ask('ASVS 10.4.7', 2, 'Open registration gives malicious clients no trust.').tested(OFF_THE_LIST, [
      'attacks/client-login/disguised-name',
      'the page says what it does not know',
    ]),
    ask('ASVS 10.4.8', 2, 'Refresh tokens end.').reasoned(
      'The identity provider ends its refresh tokens; the seal around one lasts 400 days from its last use.',
    ),
    ask('ASVS 10.4.9', 2, 'Users can revoke refresh tokens.').open(
      'The server keeps no token and lists none: they are revoked at the identity provider, for all clients together.',
    ),
    ask('ASVS 10.4.11', 2, 'Clients get no more scopes than they need.').tested(
      ['web/client-login/provider-requests', 'unknown ones are dropped'],
      ['attacks/client-login/refresh-token-of-another', 'cannot be widened to scopes'],
      ['attacks/client-login/scopes-at-refresh', 'is not asked for at a refresh'],
    ),
    ask('ASVS 10.7.1', 2, 'The person is asked each time the client cannot be told for certain.').tested(ASKED_AGAIN, [
      'attacks/client-login/consent-remembered',
      'asked each time, and no cookie is kept',
    ]),
    ask('ASVS 10.7.2', 2, 'The question says who asks and for what.').tested(
      ['attacks/client-login/disguised-name', 'It gives no name'],
      ['attacks/client-login/consent-that-hides-the-scopes', 'for what the client asks'],
    ),
    ask('ASVS 10.7.3', 2, 'Users can take a consent back.').reasoned(
      'None is kept, but for a cookie that the operator may allow and the browser can delete; tokens are revoked at the provider.',
    ),
    ask('RFC 6749 §4.1.3', 'MUST', 'A code is bound to client and redirect URI.').tested(STOLEN, [
      'attacks/client-login/stolen-code',
      'another redirect URI',
    ]),
    ask('RFC 6749 §6', 'MUST', 'A refresh token is bound to its client.').tested([
      'attacks/client-login/refresh-token-of-another',
      'works for the registration it was issued to, and for no other',
    ]),
    ask('RFC 7636 §4.6', 'MUST', 'A wrong verifier is invalid_grant.').tested([
      'attacks/client-login/stolen-code',
      'another verifier',
    ]),
    ask('RFC 8414 §3.3', 'MUST', 'The issuer in the metadata is the one that clients asked for.').tested(
      ['web/client-login/metadata', 'byte for byte as its own metadata does'],
      ['e2e/client-login/sdk-v2', 'checks our issuer'],
    ),
    ask('RFC 9207 §2', 'MUST', 'Each answer to a client names the issuer.').tested(
      ['e2e/client-login/sdk-v1', "searchParams.get('iss')"],
      ['attacks/client-login/consent-skipped', "error: 'access_denied', state: 'its-state', iss: harness.baseUrl"],
    ),
    ask('RFC 9700 §4.11.2', 'MUST', 'Errors do not lead people to unknown places.').tested([
      'attacks/client-login/open-redirect-on-error',
      'a page of ours, whatever the redirect URI',
    ]),
    ask('RFC 9700 §4.16', 'MUST', 'The consent page cannot be framed.').tested(
      ['attacks/client-login/consent-framed', 'no browser shows the consent page in a frame'],
      ['browser/client-login', 'cannot frame the consent page'],
    ),
    ask('RFC 8252 §7.3', 'MUST', 'Loopback redirect URIs have any port.').tested([
      'attacks/client-login/redirect-uri-off-the-list',
      'what is listed works, exactly, and loopback with any port',
    ]),
  ],
}
