import type { CredentialVaultError } from '../../core/model/errors.ts'
import type { LinkTarget } from '../../core/network/form-urls.ts'
import type { BrowserLogin } from '../../core/ports/identity.ts'
import type { PendingRequest } from '../../core/ports/pending-request.ts'
import type { FoundRequest } from '../../core/requests/pending-requests.ts'
import { type ReturnTarget, returnPath, type Site } from '../http/site.ts'
import { accountLink, accountMessages } from './account-messages.ts'
import { clientLoginMessages } from './client-login-messages.ts'
import type { Message, Viewer } from './page-renderer.ts'
import { signedInFact, signInAction } from './page-renderer.ts'
import type { Action } from './page-views.ts'
import { refusalMessages } from './refusal-messages.ts'

interface SavedCredential extends Pick<PendingRequest, 'openedBy'> {
  /** The account at the service, if the service named one. */
  readonly account: string | undefined
}

/** Creates the texts of every page but the form. Each says what happened and what to do next. */
export function createMessages(site: Site, login: Pick<BrowserLogin, 'hasLogin' | 'displayName' | 'choices'>) {
  const { hasLogin } = login
  const signInLabel = hasLogin ? `Sign in with ${login.displayName}` : 'Continue'
  const askAgain = 'Ask your assistant for it again, and it will give you a new link.'

  /**
   * Returns one button, or one for each identity provider. The buttons do not depend on the link's owner, so they do not reveal the owner's
   * provider.
   */
  function signInButtons(
    target: ReturnTarget | undefined,
    { label = signInLabel, primary = true, switchAccount = false } = {},
  ): Action[] {
    if (!target) return []
    if (!login.choices) return [signInAction(site, target, { label, primary, switchAccount })]
    return login.choices.map(({ issuer, displayName }) =>
      signInAction(site, target, { label: `Sign in with ${displayName}`, issuer, primary, switchAccount }),
    )
  }

  const openForm = (target: ReturnTarget, label: string): Action => ({
    kind: 'link',
    label,
    primary: true,
    href: returnPath(site, target),
  })
  const account = accountMessages(site, hasLogin, signInButtons)

  const entry = hasLogin
    ? { begin: 'Sign in to continue', ended: 'You are no longer signed in', again: 'Sign in again' }
    : { begin: 'Continue to the form', ended: 'This form was open for too long', again: 'Press Continue' }

  return {
    signIn(target: ReturnTarget, status: 200 | 401): Message {
      if (target === 'account') return account.signInToAccount(status)
      return {
        status,
        heading: status === 401 ? entry.ended : entry.begin,
        paragraphs: [
          ...(status === 401 ? [`Nothing was saved. ${entry.again} and fill in the form once more.`] : []),
          hasLogin
            ? 'A tool of your AI assistant needs one of your credentials. Sign in first, so that only you can enter it.'
            : 'A tool of your AI assistant needs one of your credentials.',
        ],
        caution: 'If somebody else sent you this link, close this page.',
        actions: signInButtons(target),
      }
    },

    leaving: (redirectTo: string, { displayName }: { readonly displayName: string } = login): Message => ({
      status: 200,
      heading: `Going to ${displayName}`,
      paragraphs: ['You sign in there and are then sent back here.'],
      refresh: redirectTo,
      actions: [{ kind: 'link', label: 'Continue', href: redirectTo, primary: true }],
    }),

    /** Shown for every link that is not this user's own, whether it exists or not. */
    notYours: (viewer: Viewer, target: LinkTarget): Message => ({
      status: 403,
      tone: 'warning',
      viewer,
      heading: 'This link does not work for this account',
      paragraphs: [
        'It was made for another person, or it is no longer valid: links expire after a while, and when the server restarts.',
        askAgain,
      ],
      facts: [signedInFact(viewer)],
      caution: 'If somebody else sent you this link, close this page.',
      actions: hasLogin
        ? signInButtons(target, { label: 'Sign in with another account', primary: false, switchAccount: true })
        : [],
    }),

    /** Shown to the link's owner only. */
    ended: (
      state: Exclude<FoundRequest['state'], 'open'>,
      viewer: Viewer,
      target: LinkTarget,
      submitted: boolean,
    ): Message => {
      const status = submitted || state === 'claimed' ? 409 : 410
      switch (state) {
        case 'saved':
          return {
            status,
            viewer,
            tone: 'success',
            heading: 'This is already saved',
            paragraphs: [
              'A credential was saved through this link, and a link works once. You can close this page and return to your assistant.',
            ],
          }
        case 'claimed':
          return {
            status,
            viewer,
            heading: 'This is being saved right now',
            paragraphs: ['Another window of yours has just submitted this form. Look again in a moment.'],
            actions: [openForm(target, 'Look again')],
          }
        case 'expired':
          return {
            status,
            viewer,
            tone: 'warning',
            heading: 'This link has expired',
            paragraphs: ['Nothing was saved.', askAgain],
          }
        case 'cancelled':
        case 'declined':
          return {
            status,
            viewer,
            tone: 'warning',
            heading: 'This request was cancelled',
            paragraphs: ['Nothing was saved.', askAgain],
          }
      }
    },

    notOffered: (viewer: Viewer): Message => ({
      status: 410,
      viewer,
      tone: 'warning',
      heading: 'This service is no longer offered here',
      paragraphs: ['Nothing was saved. Ask the people who run this server.'],
    }),

    saved: (viewer: Viewer, service: string, { account, openedBy }: SavedCredential): Message => ({
      status: 200,
      viewer,
      tone: 'success',
      heading: `${service} is connected`,
      paragraphs: [
        openedBy === 'owner'
          ? 'Your credential is saved. Your assistant uses it from now on.'
          : 'Your credential is saved. You can close this page and return to your assistant: it continues on its own, or when you ask it to try again.',
      ],
      facts: [
        ...(account === undefined ? [] : [{ name: `Account at ${service}`, value: account }]),
        { ...signedInFact(viewer), name: 'Saved for' },
      ],
      actions: [accountLink(site, openedBy === 'owner')],
    }),

    cancelled: (viewer: Viewer, service: string, openedBy: PendingRequest['openedBy']): Message => ({
      status: 200,
      viewer,
      heading: 'Cancelled',
      paragraphs: [
        openedBy === 'owner'
          ? `Nothing was saved, and nothing has changed for ${service}.`
          : `Nothing was saved, and your assistant has been told. If you need ${service} after all, ask it again.`,
      ],
      actions: [accountLink(site, openedBy === 'owner')],
    }),

    signedOut: (target: ReturnTarget | undefined, everywhere = false): Message => ({
      status: 200,
      heading: everywhere ? 'You are signed out everywhere' : 'You are signed out',
      paragraphs: [
        everywhere
          ? 'Every browser in which you were signed in to these pages has to sign in again. Your assistant stays connected.'
          : 'Anyone who uses this browser now has to sign in.',
        ...(hasLogin ? [`You may still be signed in at ${login.displayName}.`] : []),
      ],
      actions: signInButtons(target, { label: 'Sign in again', primary: false, switchAccount: hasLogin }),
    }),

    loginNotFound: (): Message => ({
      status: 400,
      tone: 'error',
      heading: 'This sign-in cannot be finished here',
      paragraphs: [
        'It was started in another browser, is already finished, or took longer than ten minutes. Open the link from your assistant again.',
      ],
      caution: 'If you did not start this sign-in yourself, close this page.',
    }),

    loginFailed: (
      target: ReturnTarget,
      { reason, retryable }: Pick<CredentialVaultError, 'reason' | 'retryable'>,
      reference: string,
    ): Message => ({
      status: 400,
      tone: 'error',
      heading: reason === 'denied' ? 'You did not sign in' : 'The sign-in failed',
      paragraphs: [
        reason === 'denied'
          ? `The sign-in was stopped or refused at ${login.displayName}.`
          : `This server could not accept the response from ${login.displayName}.`,
        retryable
          ? 'Nothing was saved.'
          : 'Nothing was saved. Trying again is unlikely to help: give the people who run this server the reference below.',
      ],
      actions: signInButtons(target, { label: 'Try again', primary: retryable }),
      ...(reason === 'denied' ? {} : { reference }),
    }),

    loginUnavailable: (target: ReturnTarget, reference: string): Message => ({
      status: 503,
      tone: 'error',
      heading: login.choices ? 'The identity provider cannot be reached' : `${login.displayName} cannot be reached`,
      paragraphs: ['You cannot sign in right now. Nothing was saved. Try again in a moment.'],
      actions: signInButtons(target, { label: 'Try again' }),
      reference,
    }),

    rateLimited: (seconds: number): Message => ({
      status: 429,
      tone: 'warning',
      heading: 'Too many requests',
      paragraphs: [
        `Wait ${seconds === 1 ? 'one second' : `${seconds} seconds`} and then try again. Nothing was saved.`,
      ],
    }),

    ...account,
    ...clientLoginMessages,
    ...refusalMessages(openForm),
  }
}

export type Messages = ReturnType<typeof createMessages>
