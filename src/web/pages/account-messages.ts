import type { ReturnTarget, Site } from '../http/site.ts'
import type { Message, Viewer } from './page-renderer.ts'
import type { Action, Fact } from './page-views.ts'

/** A service, as the texts name it. */
export interface NamedService {
  readonly label: string
  readonly manageUrl?: string | undefined
}

/** Returns the link to the user's own page. */
export function accountLink({ root }: Pick<Site, 'root'>, primary = false, label = 'Your credentials'): Action {
  return { kind: 'link', label, href: root, primary }
}

/** Texts around the user's own page. */
export function accountMessages(
  site: Pick<Site, 'root'>,
  hasLogin: boolean,
  signInButtons: (target: ReturnTarget) => readonly Action[],
) {
  const entry = hasLogin
    ? { begin: 'Sign in to see your credentials', ended: 'You are no longer signed in', again: 'Sign in again' }
    : { begin: 'Continue to your credentials', ended: 'This page was open for too long', again: 'Press Continue' }

  return {
    signInToAccount: (status: 200 | 401): Message => ({
      status,
      heading: status === 401 ? entry.ended : entry.begin,
      paragraphs: [
        ...(status === 401 ? [`Nothing was changed. ${entry.again} and repeat your last step.`] : []),
        'The page lists the services that your AI assistant can use as you. It never shows a secret.',
      ],
      actions: signInButtons('account'),
    }),

    /** Shown for a service that is not served, and for an action that it does not offer. */
    notServed: (viewer: Viewer): Message => ({
      status: 404,
      tone: 'error',
      viewer,
      heading: 'This service is not offered here',
      paragraphs: ['Nothing was changed.'],
      actions: [accountLink(site, true)],
    }),

    confirmRevoke: (viewer: Viewer, { label }: NamedService, facts: readonly Fact[], revoke: Action): Message => ({
      status: 200,
      tone: 'warning',
      viewer,
      heading: `Revoke your ${label} credential?`,
      paragraphs: [
        `Your assistant can then no longer use ${label} as you, until you enter a credential again. This cannot be undone.`,
      ],
      facts,
      actions: [revoke, accountLink(site, false, 'Keep it')],
    }),

    revoked: (viewer: Viewer, { label, manageUrl }: NamedService): Message => ({
      status: 200,
      tone: 'success',
      viewer,
      heading: `Your ${label} credential is revoked`,
      paragraphs: [
        'Your assistant can no longer use it.',
        manageUrl === undefined
          ? `The token itself still works until you delete it at ${label}.`
          : `The token itself still works until you delete it at ${label}. You can do that on its own page.`,
      ],
      actions: [
        ...(manageUrl === undefined
          ? []
          : [{ kind: 'link', label: `Delete it at ${label}`, href: manageUrl, primary: true } as const]),
        accountLink(site),
      ],
    }),

    nothingToRevoke: (viewer: Viewer, { label }: NamedService): Message => ({
      status: 200,
      viewer,
      heading: 'There is nothing to revoke',
      paragraphs: [`No ${label} credential of yours is stored.`],
      actions: [accountLink(site, true)],
    }),

    /** `isUnknown`: the store got the request and did not answer. */
    notRevoked: (viewer: Viewer, again: Action, isUnknown: boolean, reference: string): Message => ({
      status: 503,
      tone: 'error',
      viewer,
      heading: isUnknown ? 'It is not known whether this was revoked' : 'This was not revoked',
      paragraphs: [
        isUnknown
          ? 'The credential store did not answer in time. Revoke it again: doing it twice is safe.'
          : 'The credential store refused the request or cannot be reached. Try again in a moment.',
      ],
      actions: [again, accountLink(site)],
      reference,
    }),

    tooManyLinks: (viewer: Viewer): Message => ({
      status: 503,
      tone: 'warning',
      viewer,
      heading: 'Too many forms are open',
      paragraphs: [
        'Finish or cancel one of your open forms, or wait ten minutes until they expire. Nothing was changed.',
      ],
      actions: [accountLink(site, true)],
    }),
  }
}
