import { ask, type Chapter } from './requirement.ts'

const HEADERS = ['web/https-server', 'cookies are locked to the host, and every answer has every header'] as const
const CSRF = ['attacks/form/csrf-on-submit', 'are refused even with the right token'] as const
const POLLUTION = [
  'attacks/form/parameter-pollution',
  'besides its own fields is refused and nothing is saved',
] as const
const NO_EFFECT = [
  'attacks/link/prefetch-and-head-consume-nothing',
  'link previews, prefetches and HEAD leave the link as it was',
] as const

export const formAndCookies: Chapter = {
  title: 'Form pages and cookies',
  requirements: [
    ask('ASVS 1.2.1', 1, 'Text is escaped for the place where it is put out.').tested(
      ['attacks/form/markup-in-labels', 'markup in labels, hints, names'],
      ['web/pages/templates', 'put out unescaped text in one place: the guide'],
    ),
    ask('ASVS 1.1.2', 2, 'Escaping happens on output and leaves stored data as it was entered.').tested(
      ['core/model/form-values', 'whatever is accepted comes out exactly as it went in'],
      ['web/pages/templates', 'put out unescaped text in one place: the guide'],
    ),
    ask('ASVS 1.2.2', 1, 'URLs are built with encoded parts and harmless schemes.').tested(
      ['browser/hostile-guide', 'nothing in a hostile guide runs, loads, posts or leads away'],
      ['core/model/form-values', '%j with %j is refused'],
    ),
    ask('ASVS 1.3.5', 2, 'Markdown and similar markup is made harmless.').tested(
      ['browser/hostile-guide', 'nothing in a hostile guide runs, loads, posts or leads away'],
      ['attacks/form/guide-text-after-script', 'in a guide stays text'],
    ),
    ask('ASVS 1.3.7', 2, 'No template is made of untrusted text.').tested(
      ['web/pages/templates', 'put out unescaped text in one place: the guide'],
      ['architecture', 'is used in %s alone'],
    ),
    ask('ASVS 2.2.1', 1, 'Input is checked against what the field allows.').tested(
      ['core/model/form-values', '%j with %j is refused'],
      ['attacks/form/control-characters', 'no control character gets into the single line of'],
      POLLUTION,
    ),
    ask('ASVS 2.2.2', 1, 'Input is checked on the server, whatever the browser did.').tested(
      ['attacks/form/control-characters', 'bytes that are no UTF-8 are refused'],
      ['attacks/form/oversized-body', 'more fields than a form can have are refused'],
    ),
    ask('ASVS 3.2.2', 1, 'Scripts put text into pages as text.').tested(
      ['web/pages/templates', 'the script has no way to make markup'],
      HEADERS,
    ),
    ask('ASVS 3.2.3', 3, 'Scripts are not led astray by element names.').tested([
      'web/pages/templates',
      'the script has no way to make markup',
    ]),
    ask('ASVS 3.3.1', 1, 'Cookies are Secure.').tested(HEADERS),
    ask('ASVS 3.3.3', 2, 'Cookies carry the `__Host-` prefix.').tested(HEADERS),
    ask('ASVS 3.3.2', 2, 'Each cookie has the SameSite that its purpose bears.').tested(HEADERS, CSRF),
    ask('ASVS 3.3.4', 2, 'Cookies that scripts need not see are HttpOnly and leave by Set-Cookie alone.').tested(
      HEADERS,
      ['browser/form', 'nothing is kept in the browser but our cookies, which scripts cannot read'],
    ),
    ask('ASVS 3.3.5', 3, 'A cookie stays within 4096 bytes.').tested([
      'web/session/session-limits',
      'the longest identity fits into a cookie that browsers keep',
    ]),
    ask('ASVS 3.4.1', 1, 'Strict-Transport-Security lasts a year and covers subdomains.').tested(HEADERS),
    ask('ASVS 3.4.2', 1, 'CORS answers are fixed or listed; the wildcard is for public data.').tested(HEADERS, [
      'web/bearer/bearer-gate',
      'a preflight of a listed origin only',
    ]),
    ask('ASVS 3.4.3', 2, 'A Content-Security-Policy forbids objects and base and lists what may load.').tested(HEADERS),
    ask('ASVS 3.4.4', 2, '`nosniff` stands on every answer.').tested(HEADERS),
    ask('ASVS 4.1.1', 1, 'Every body has a content type with its charset.').tested(HEADERS),
    ask('ASVS 3.4.5', 2, 'Paths and queries do not leak by Referer.').tested(HEADERS, [
      'browser/form',
      "a guide's link arrives without telling where it was followed",
    ]),
    ask('ASVS 3.4.6', 2, 'No other page can put ours into a frame.').tested(
      ['attacks/form/clickjacking', 'a page of another site cannot show the form in a frame'],
      ['attacks/form/clickjacking', 'every way to embed a page is forbidden by its headers'],
    ),
    ask('ASVS 3.4.7', 3, 'The policy says where violations are reported.').open(
      'There is no option for a report address; reports would hold the link, so a receiver of our own would be needed.',
    ),
    ask('ASVS 3.4.8', 3, 'Pages are isolated from other windows.').tested(HEADERS),
    ask('ASVS 3.5.1', 1, 'Requests that change something prove that our own page sent them.').tested(CSRF, [
      'attacks/form/csrf-on-submit',
      'a submit without a token, with a changed one',
    ]),
    ask('ASVS 3.5.2', 1, 'No request without a preflight gets round that.').tested(CSRF, [
      'attacks/form/body-types',
      'is refused, however good its content',
    ]),
    ask('ASVS 3.5.3', 1, 'Safe methods change nothing.').tested(NO_EFFECT, [
      'attacks/link/prefetch-and-head-consume-nothing',
      'every other method is refused on every path',
    ]),
    ask('ASVS 3.5.4', 2, 'Separate applications have hostnames of their own.').reasoned(
      'The operator chooses the hostname. `sharedOrigin` and the base path in docs/configuration.md say what a shared one costs.',
    ),
    ask('ASVS 3.5.8', 3, 'Resources refuse to be loaded by other sites.').tested(HEADERS),
    ask('ASVS 3.6.1', 3, 'Assets come from here, or are checked for integrity.').tested(
      ['browser/accessibility', 'asks another server, or breaks its own policy'],
      ['web/pages/templates', 'hold no script, style, event handler or address of another server'],
    ),
    ask('ASVS 3.7.2', 2, 'Automatic redirects leave the host for listed targets only.').tested(
      ['attacks/session/open-redirect-through-login', 'no parameter of the callback sends the browser elsewhere'],
      ['attacks/session/open-redirect-through-login', "a login takes no way back but a link's service and handle"],
    ),
    ask('ASVS 3.7.3', 3, 'A way out of the site is announced.').tested([
      'web/pages/guide',
      'links open elsewhere, say where they go, and tell nothing',
    ]),
    ask('ASVS 6.2.6', 1, 'Secret fields are masked, and may be shown for a moment.').tested([
      'browser/form',
      'the script shows a masked field, and masks it again before it is sent',
    ]),
    ask('ASVS 6.2.7', 1, 'Pasting and password managers work.').tested([
      'web/pages/templates',
      'hold no script, style, event handler or address of another server',
    ]),
    ask('ASVS 6.2.8', 1, 'A secret is taken exactly as it was typed.').tested(
      ['core/model/form-values', 'whatever is accepted comes out exactly as it went in, but for outer blanks'],
      ['attacks/form/control-characters', 'bytes that are no UTF-8 are refused, and not turned into something else'],
      ['attacks/form/oversized-body', 'one field longer than its limit is not cut'],
    ),
    ask('ASVS 14.2.1', 1, 'Sensitive values travel in bodies and headers, never in URLs.').tested([
      'attacks/form/parameter-pollution',
      'is refused, and its parameters are not repeated',
    ]),
    ask('ASVS 14.3.1', 1, 'The browser forgets user data when the session ends.').tested(
      [
        'attacks/session/stolen-cookie-after-sign-out',
        'a copy of the cookie is worthless once its owner has signed out',
      ],
      ['browser/whole-way', 'after sign-out the link asks for a sign-in again, and Back shows no form'],
    ),
    ask('ASVS 14.3.2', 2, 'Browsers do not cache what is sensitive.').tested(HEADERS),
    ask('ASVS 14.3.3', 2, 'The browser stores nothing sensitive but session cookies.').tested([
      'browser/form',
      'nothing is kept in the browser but our cookies, which scripts cannot read',
    ]),
    ask('ASVS 15.3.7', 2, 'Repeated and misplaced parameters are refused.').tested(POLLUTION, [
      'attacks/form/parameter-pollution',
      'is refused, and its parameters are not repeated',
    ]),
  ],
}
