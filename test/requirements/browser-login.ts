import { ask, type Chapter } from './requirement.ts'

const MIX_UP = [
  'attacks/login/mix-up-of-issuers',
  "an answer of one issuer to another issuer's login is refused",
] as const
const STATE = ['attacks/login/wrong-state', 'is refused and its code not sent'] as const
const FORGED = ['attacks/login/forged-id-token', 'is refused'] as const
const NONCE = ['attacks/login/wrong-nonce', 'is of another login'] as const

export const browserLogin: Chapter = {
  title: 'Browser login and sessions',
  requirements: [
    ask('ASVS 6.1.3', 2, 'Every way to sign in is documented.').tested(
      ['vault/open-vault', 'a public URL without an identity, and lists the modes'],
      ['docs/configuration', 'every option of $file has a row'],
    ),
    ask('ASVS 6.3.4', 2, 'There is no hidden or weaker way to sign in.').tested(
      ['vault/open-vault', 'a public URL without an identity, and lists the modes'],
      ['identity/local-user', 'token and browser name the same owner'],
    ),
    ask('ASVS 6.5.5', 2, 'Out-of-band requests live ten minutes at most.').tested(
      ['core/requests/pending-requests', 'a link expires, is known as expired for ten minutes, then forgotten'],
      ['web/session/session-limits', 'a login has to be finished within ten minutes'],
    ),
    ask('ASVS 6.6.2', 2, 'They serve only the request that made them.').tested(
      ['attacks/link/enumeration', "a handle of another service's link opens nothing"],
      ['attacks/link/replayed', 'a form that was sent once cannot be sent again'],
    ),
    ask('ASVS 6.8.1', 2, 'People are known by provider and subject together.').tested(
      ['attacks/login/mix-up-of-issuers', 'the same subject at two issuers is two owners'],
      ['core/model/storage-key', 'is provider, issuer and subject, so that two issuers never share a name'],
    ),
    ask('ASVS 6.8.2', 2, "The identity provider's assertions have to be signed and good.").tested(FORGED, [
      'attacks/login/forged-id-token',
      'an unsigned ID token is refused',
    ]),
    ask('ASVS 6.8.4', 2, 'How strongly and how recently somebody signed in is checked.').tested(
      ['attacks/login/weak-authentication', 'has not done what was asked'],
      ['attacks/login/stale-authentication', 'an identity provider that ignores max_age is noticed'],
    ),
    ask('ASVS 6.3.3', 2, 'A second factor is demanded for what matters.').tested([
      'attacks/login/weak-authentication',
      'a sign-in as strong as %s is accepted',
    ]),
    ask('ASVS 7.5.3', 3, 'Sensitive operations ask for a fresh sign-in.').tested([
      'attacks/login/stale-authentication',
      'an identity provider that ignores max_age is noticed',
    ]),
    ask('ASVS 7.1.1', 2, 'Session lifetimes are documented.').tested(
      ['docs/configuration', 'every option of $file has a row'],
      ['web/session/session-limits', 'a session ends an hour after the login however busy it is'],
    ),
    ask('ASVS 7.1.3', 2, "How sessions end together with the identity provider's is documented.").reasoned(
      'docs/identity.md, "How long things last" and "Sign-out and offboarding".',
    ),
    ask('ASVS 7.2.4', 1, 'A sign-in makes a new session, and the former one ends.').tested([
      'attacks/session/fixation',
      'a session that was in the browser before a sign-in is not the one after it, and is over',
    ]),
    ask('ASVS 7.3.1', 2, 'Sessions end when they are idle.').tested([
      'web/session/session-limits',
      'a session ends when it is idle',
    ]),
    ask('ASVS 7.3.2', 2, 'Sessions end after a fixed time.').tested([
      'web/session/session-limits',
      'a session ends an hour after the login however busy it is',
    ]),
    ask('ASVS 7.4.1', 1, 'An ended session is good nowhere.').tested(
      [
        'attacks/session/stolen-cookie-after-sign-out',
        'a copy of the cookie is worthless once its owner has signed out',
      ],
      [
        'attacks/session/stolen-cookie-after-sign-out',
        'a restart that forgets who signed out forgets every session with it',
      ],
    ),
    ask('ASVS 7.4.2', 1, 'People who are disabled lose their sessions.').tested(
      ['attacks/session/stolen-cookie-after-sign-out', 'an administrator ends all sessions of a person'],
      [
        'attacks/form/submit-after-revoke',
        'somebody whose sessions were ended saves nothing with a form that is still open',
      ],
    ),
    ask('ASVS 7.4.5', 2, "Administrators can end anybody's sessions.").tested([
      'attacks/session/stolen-cookie-after-sign-out',
      'an administrator ends all sessions of a person',
    ]),
    ask('ASVS 7.4.4', 2, 'Signing out is easy to find.').tested(['browser/form', 'is left by signing out']),
    ask('ASVS 7.6.1', 2, 'The session and that of the identity provider behave as documented.').tested([
      'web/session/session-limits',
      'a session ends an hour after the login however busy it is',
    ]),
    ask('ASVS 7.6.2', 2, 'No session begins without an action of the user.').tested(
      ['attacks/link/opened-before-sign-in', 'without a sign-in, a link shows nothing, sets nothing and takes nothing'],
      ['attacks/session/login-csrf', 'a login is begun by our own page only'],
    ),
    ask('ASVS 10.1.1', 2, 'Tokens go only where they are needed.').tested([
      'identity/login/browser-login',
      'a login names its person, and nothing of its tokens is left',
    ]),
    ask('ASVS 10.1.2', 2, 'An answer counts only for the login and browser that began it.').tested(STATE, [
      'attacks/login/wrong-state',
      'two tabs whose answers are swapped both fail',
    ]),
    ask('ASVS 10.2.1', 2, 'The code flow is protected from forged requests.').tested(
      STATE,
      [
        'attacks/session/login-csrf',
        'a callback that an attacker prepared does not sign the victim in as the attacker',
      ],
      ['identity/login/browser-login', 'the request asks for a code with PKCE'],
    ),
    ask('ASVS 10.2.2', 2, 'A mix-up of authorization servers is noticed.').tested(MIX_UP),
    ask('ASVS 10.3.4', 2, 'Strength and freshness that an operation demands are checked.').tested(
      ['attacks/login/weak-authentication', 'has not done what was asked'],
      ['attacks/login/stale-authentication', 'an identity provider that ignores max_age is noticed'],
    ),
    ask('ASVS 10.5.1', 2, 'A replayed ID token is refused.').tested(NONCE, [
      'attacks/login/wrong-nonce',
      'an ID token of an earlier login of the same user does not serve again',
    ]),
    ask('ASVS 10.5.2', 2, 'The user is named by claims that are never given to somebody else.').tested([
      'identity/oidc-options',
      "subjectClaim: 'email'",
    ]),
    ask('ASVS 10.5.3', 2, 'Metadata names exactly the configured issuer.').tested([
      'identity/issuer/issuer-metadata',
      'an issuer that calls itself otherwise prevents opening',
    ]),
    ask('ASVS 10.5.4', 2, 'An ID token is for our client.').tested(FORGED),
    ask('RFC 9700 §2.1', 'MUST', 'The client is no open redirector.').tested([
      'attacks/session/open-redirect-through-login',
      'no parameter of the callback sends the browser elsewhere',
    ]),
    ask('RFC 9700 §4.11.1', 'MUST', 'No parameter decides where the login leads.').tested([
      'attacks/session/open-redirect-through-login',
      "a login takes no way back but a link's service and handle",
    ]),
    ask('RFC 9700 §2.1.1', 'MUST', 'The code flow uses PKCE or a nonce against injection.').tested([
      'identity/login/browser-login',
      'the request asks for a code with PKCE, bound to this login',
    ]),
    ask('RFC 9700 §2.1.1 (confidential)', 'RECOMMENDED', 'Confidential clients use PKCE with S256 as well.').tested([
      'identity/login/browser-login',
      'the request asks for a code with PKCE, bound to this login',
    ]),
    ask('RFC 9700 §2.5', 'RECOMMENDED', 'The client proves itself with a key, not a shared secret.').open(
      'Only a client secret can be configured; `private_key_jwt` and mTLS cannot.',
    ),
    ask('RFC 9700 §4.2.4', 'SHOULD', 'The callback shows nothing foreign, and its state serves once.').tested(
      ['attacks/session/login-csrf', 'a callback works once, even for somebody who kept the login cookie'],
      ['web/https-server', 'every answer has every header'],
    ),
    ask('RFC 9700 §4.4.2', 'MUST', 'The client remembers which issuer it addressed.').tested(MIX_UP),
    ask('RFC 9700 §4.5.3.2', 'MUST', 'Nothing of a token response is used before the nonce is checked.').tested(NONCE),
    ask('RFC 9700 §4.7.1', 'MUST', 'What the state carries cannot be changed or swapped.').tested(STATE, [
      'attacks/login/wrong-state',
      'a transaction without its %s is refused',
    ]),
    ask('RFC 9700 §4.12', 'MUST', 'After a POST with credentials the redirect is a 303.').tested([
      'web/https-server',
      'every answer has every header',
    ]),
    ask('RFC 9207 §2.4', 'MUST', 'A returned issuer equals the expected one as plain text.').tested([
      'attacks/login/mix-up-of-issuers',
      'no other spelling of the issuer, no second and no missing one is accepted',
    ]),
    ask(
      'RFC 9207 §2.4 (errors)',
      'MUST',
      'An error is not believed to come from the server that was addressed.',
    ).tested(['attacks/login/error-with-wrong-issuer', 'is not believed']),
    ask('RFC 9207 §4', 'MUST', 'Issuer identifiers are unique.').tested([
      'identity/oidc-options',
      "issuerAliases: ['https://a.example', 'https://a.example']",
    ]),
  ],
}
