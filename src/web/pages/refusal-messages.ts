import type { LinkTarget } from '../../core/network/form-urls.ts'
import type { ReturnTarget } from '../http/site.ts'
import type { Message, Viewer } from './page-renderer.ts'
import type { Action } from './page-views.ts'

/** Texts for requests that are refused or fail before their owner matters. */
export function refusalMessages(openForm: (target: ReturnTarget, label: string) => Action) {
  const account: Action = { ...openForm('account', 'Your credentials'), primary: false }
  return {
    staleForm: (viewer: Viewer | undefined, target: ReturnTarget | undefined): Message => ({
      status: 403,
      tone: 'error',
      viewer,
      heading: 'This form is out of date',
      paragraphs: ['It was opened before you signed in, or it does not come from this server. Nothing was saved.'],
      actions: target ? [openForm(target, target === 'account' ? 'Open your credentials' : 'Open the form again')] : [],
    }),

    /** `originHidden`: the request may have come from our own page after all. */
    foreignForm: (originHidden: boolean): Message => ({
      status: 403,
      tone: 'error',
      heading: 'This request did not come from our own page',
      paragraphs: [
        'Nothing was saved. Open the link that your assistant gave you, and use the form there.',
        ...(originHidden
          ? [
              'If this happens again, a proxy may set the header "Referrer-Policy: no-referrer", which older browsers cannot handle here. Update your browser, or tell the people who run this server.',
            ]
          : []),
      ],
    }),

    malformed: (): Message => ({
      status: 400,
      tone: 'error',
      heading: 'This link is not complete',
      paragraphs: ['Part of it is missing or was changed. Copy the whole link from your assistant, and open it again.'],
    }),

    malformedForm: (): Message => ({
      status: 400,
      tone: 'error',
      heading: 'The form could not be read',
      paragraphs: ['It contains unknown fields. Nothing was saved. Open the link again and fill in the form there.'],
    }),

    wrongType: (): Message => ({
      status: 415,
      tone: 'error',
      heading: 'The form could not be read',
      paragraphs: ['It was not sent in the format that a browser uses. Nothing was saved.'],
    }),

    bodyAlreadyRead: (): Message => ({
      status: 500,
      tone: 'error',
      heading: 'This server is not set up correctly',
      paragraphs: [
        'Another part of it read the form first. Nothing was saved. Tell the people who run it.',
        'If you run this server, mount the vault before body parsers such as express.urlencoded().',
      ],
    }),

    tooLarge: (): Message => ({
      status: 413,
      tone: 'error',
      heading: 'That is too long',
      paragraphs: [
        'All fields together can have about 16,000 characters. Nothing was saved. Go back and check what you pasted.',
      ],
    }),

    notFound: (): Message => ({
      status: 404,
      tone: 'error',
      heading: 'There is no such page',
      paragraphs: ['Open the link that your assistant gave you.'],
      actions: [account],
    }),

    wrongMethod: (target: LinkTarget | undefined): Message => ({
      status: 405,
      tone: 'error',
      heading: 'This page cannot be opened directly',
      paragraphs: ['It only accepts data that the form sends.'],
      actions: target ? [openForm(target, 'Open the form')] : [],
    }),

    notADocument: (): Message => ({
      status: 403,
      tone: 'error',
      heading: 'This page opens only in its own window',
      paragraphs: ['Open the link that your assistant gave you.'],
    }),

    wrongHost: (): Message => ({
      status: 421,
      tone: 'error',
      heading: 'This is not the address of this server',
      paragraphs: [
        'Open the link exactly as your assistant gave it to you. If you run this server, make sure that the Host header is the host of serverBaseUrl, and that proxies forward it unchanged.',
      ],
    }),

    unavailable: (reference: string): Message => ({
      status: 503,
      tone: 'error',
      heading: 'This cannot be done right now',
      paragraphs: ['Something that this server needs is not working. Nothing was saved. Try again in a moment.'],
      actions: [account],
      reference,
    }),

    /** Open requests and sign-outs cannot be looked up, so nobody is shown a form. */
    requestsUnavailable: (reference: string, target: LinkTarget | undefined): Message => ({
      status: 503,
      tone: 'error',
      heading: 'This cannot be done right now',
      paragraphs: [
        'This server cannot reach the store of its open requests and sign-ins. Nothing was saved, and nothing that you saved before is lost.',
        'Your link still works. Try again in a moment.',
      ],
      actions: target ? [openForm(target, 'Try again')] : [account],
      reference,
    }),

    unexpected: (reference: string): Message => ({
      status: 500,
      tone: 'error',
      heading: 'Something went wrong here',
      paragraphs: [
        'This is a fault of this server, not yours. Try again, and if it happens again, tell the people who run it.',
      ],
      actions: [account],
      reference,
    }),
  }
}
