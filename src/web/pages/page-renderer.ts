import { parsedUrl } from '../../core/model/url-value.ts'
import { CSRF_FIELD } from '../http/csrf.ts'
import { type ReturnTarget, returnFields, type Site } from '../http/site.ts'
import type { Session } from '../session/session.ts'
import type { Assets } from './assets.ts'
import type { AccountView, Action, Fact, FormView, LayoutView, MessageView, SignedInView } from './page-views.ts'
import { compilePage } from './templates.ts'

export interface Page {
  readonly status: number
  readonly html: string
}

/** The signed-in user, and the token of the sign-out form. */
export interface Viewer {
  readonly session: Session
  /** Subject and identity provider. A display name cannot imitate them. */
  readonly account: string
  readonly signOutToken: string
  /** The page to return to after a new sign-in. */
  readonly target?: ReturnTarget | undefined
}

export type Message = Partial<
  Pick<MessageView, 'tone' | 'paragraphs' | 'caution' | 'facts' | 'actions' | 'reference'>
> & {
  readonly status: number
  readonly heading: string
  readonly viewer?: Viewer | undefined
  readonly refresh?: string
}

export type FormPage = Omit<FormView, keyof LayoutView> & { readonly status: number; readonly viewer: Viewer }

export type AccountPage = Omit<AccountView, keyof LayoutView> & { readonly viewer: Viewer }

export interface PageRenderer {
  message(message: Message): Page
  form(form: FormPage): Page
  account(account: AccountPage): Page
}

export interface PageRendererParts {
  readonly site: Site
  readonly assets: Assets
  readonly serverName: string
  readonly banner: string | undefined
}

/** Compiles the templates once and fills them. */
export function createPageRenderer({ site, assets, serverName, banner }: PageRendererParts): PageRenderer {
  const messagePage = compilePage<MessageView>('message')
  const formPage = compilePage<FormView>('form')
  const accountPage = compilePage<AccountView>('account')
  const { style, scripts, icon } = assets

  function layout(title: string, viewer: Viewer | undefined, refresh?: string): LayoutView {
    const signedIn = viewer && signedInView(site, viewer)
    const accountHref = viewer && site.root
    return { title, serverName, style, scripts, icon, banner, signedIn, accountHref, refresh }
  }

  return {
    message({ status, viewer, refresh, ...message }) {
      const view: MessageView = {
        ...layout(message.tone === 'error' ? `Error: ${message.heading}` : message.heading, viewer, refresh),
        heading: message.heading,
        tone: message.tone ?? 'neutral',
        paragraphs: message.paragraphs ?? [],
        caution: message.caution,
        facts: message.facts ?? [],
        actions: message.actions ?? [],
        reference: message.reference,
      }
      return { status, html: messagePage(view) }
    },

    form({ status, viewer, ...form }) {
      const title = `${form.problems.length > 0 ? 'Error: ' : ''}Connect ${form.service}`
      return { status, html: formPage({ ...layout(title, viewer), ...form }) }
    },

    account({ viewer, ...account }) {
      const { tone, heading } = account.notice ?? {}
      const title = `${tone === 'error' ? 'Error: ' : ''}${heading ?? 'Your credentials'}`
      return { status: 200, html: accountPage({ ...layout(title, viewer), accountHref: undefined, ...account }) }
    },
  }
}

function signedInView(site: Site, viewer: Viewer): SignedInView {
  return { name: personName(viewer.session), account: viewer.account, signOut: signOutAction(site, viewer) }
}

export function signOutAction(site: Site, { signOutToken, target }: Viewer): Action & { readonly kind: 'post' } {
  return {
    kind: 'post',
    label: 'Sign out',
    href: `${site.root}/sign-out`,
    fields: [[CSRF_FIELD, signOutToken], ...(target ? returnFields(target) : [])],
  }
}

export function signInAction(
  site: Site,
  target: ReturnTarget,
  {
    label,
    issuer,
    switchAccount = false,
    primary = false,
  }: { label: string; issuer?: string | undefined; switchAccount?: boolean; primary?: boolean },
): Action {
  return {
    kind: 'post',
    label,
    primary,
    href: `${site.root}/login`,
    fields: [
      ...returnFields(target),
      ...(issuer === undefined ? [] : [['issuer', issuer] as const]),
      ...(switchAccount ? [['switch', '1'] as const] : []),
    ],
  }
}

function personName({ displayName, subject }: Session): string {
  return displayName ?? subject
}

/** Returns subject and identity provider, because users can choose their display name. `name` is the operator's name for the provider. */
export function accountText({ issuer, subject }: Session, name: string | undefined): string {
  const host = parsedUrl(issuer)?.host ?? ''
  return `${subject} at ${name ?? (host === '' ? issuer : host)}`
}

export function signedInFact({ session, account }: Viewer): Fact {
  return { name: 'You are signed in as', value: personName(session), note: account }
}
