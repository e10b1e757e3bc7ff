import type { Message } from './page-renderer.ts'

/** The parameter that is missing or wrong. */
export type WrongParameter =
  | 'client_id'
  | 'redirect_uri'
  | 'response_type'
  | 'response_mode'
  | 'state'
  | 'code_challenge'
  | 'resource'
  | 'prompt'
  | 'request'

/** What the consent page shows. All but `provider` and `server` is the client's own claim. */
export interface ConsentView {
  readonly name: string | undefined
  /** Host of the client's metadata document. */
  readonly host: string | undefined
  readonly place: string
  /** The redirect URI as a whole. */
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly isLoopback: boolean
  readonly provider: string
  readonly server: string
  readonly action: string
  readonly fields: readonly (readonly [string, string])[]
}

const START_AGAIN = 'Close this page, and connect this server again in the application that sent you here.'
const NOT_MINE = 'If you did not just connect an application to this server, close this page.'

/** Texts of the pages on which MCP clients log in through this server. */
export const clientLoginMessages = {
  consent: ({ name, host, place, isLoopback, provider, server, action, fields, ...asked }: ConsentView): Message => ({
    status: 200,
    heading: `Connect an application to ${server}?`,
    paragraphs: [
      `It will be able to use the tools of ${server} in your name. You sign in at ${provider} next, and are then sent back to the application.`,
    ],
    facts: [
      {
        name: 'You are sent back to',
        value: place,
        note: isLoopback
          ? 'a program on this computer'
          : place.endsWith(':')
            ? 'an application on this computer'
            : undefined,
      },
      { name: 'At the address', value: asked.redirectUri },
      { name: 'Asks for', value: asked.scopes.length === 0 ? 'no scopes' : asked.scopes.join(', ') },
      ...(host === undefined ? [] : [{ name: 'Described at', value: host }]),
      {
        name: 'Calls itself',
        value: name ?? 'It gives no name',
        note: 'not verified: any application can use any name',
      },
    ],
    caution: isLoopback
      ? 'Any program on this computer could be asking. Continue only if you have just started to connect one of yours.'
      : `Continue only if you have just started to connect it, and know ${place}.`,
    actions: [
      { kind: 'post', label: 'Continue', primary: true, href: action, fields: [...fields, ['answer', 'continue']] },
      { kind: 'post', label: 'Cancel', href: action, fields: [...fields, ['answer', 'cancel']] },
    ],
  }),

  returning: (url: string, place: string, outcome: 'done' | 'denied' | 'failed'): Message => ({
    status: 200,
    ...RETURNING[outcome],
    refresh: url,
    actions: [{ kind: 'link', label: `Return to ${place}`, href: url, primary: true }],
  }),

  clientRequest: (wrong: WrongParameter): Message => ({
    ...refused('The application asked in a way that this server does not accept', 400),
    paragraphs: [`Its request is wrong or incomplete: ${wrong}. You cannot fix this here.`, START_AGAIN],
  }),

  clientUnknown: (): Message => ({
    ...refused('This server does not know the application', 400),
    paragraphs: [
      'Its registration is not from this server, or the server has changed its keys since.',
      'Remove this server in the application, add it again, and connect.',
    ],
  }),

  clientRedirect: (): Message => ({
    ...refused('The application wants you sent to another place than it registered', 400),
    paragraphs: ['Nobody was told anything. If you run this server, see oidc.clientLogin.redirectUris.'],
  }),

  clientDocument: (reference: string): Message => ({
    ...refused('The description of the application cannot be used', 400),
    paragraphs: ['It could not be read, or it does not describe this application.', START_AGAIN],
    reference,
  }),

  clientDocumentAway: (reference: string): Message => ({
    ...refused('The description of the application cannot be read right now', 503),
    paragraphs: ['Its host did not answer, or too many are being read. Try again in a moment.'],
    reference,
  }),

  clientStale: (): Message => ({
    ...refused('This page is out of date', 403),
    paragraphs: ['It was open for more than ten minutes, or was not opened in this browser.', START_AGAIN],
  }),

  clientAnswer: (reference: string): Message => ({
    ...refused('The sign-in failed', 400),
    paragraphs: [
      'The answer did not come from the identity provider that was asked. The application was told nothing.',
      START_AGAIN,
    ],
    reference,
  }),

  clientUnavailable: (reference: string): Message => ({
    ...refused('The identity provider cannot be reached', 503),
    paragraphs: ['You cannot sign in right now. Try again in a moment.'],
    reference,
  }),
}

const RETURNING = {
  done: { heading: 'You are signed in', tone: 'success', paragraphs: ['You are being sent back to the application.'] },
  denied: { heading: 'The application was not connected', paragraphs: ['It is being told that you refused.'] },
  failed: {
    heading: 'The sign-in did not work',
    tone: 'warning',
    paragraphs: ['The application is being told why.'],
  },
} as const

function refused(heading: string, status: number) {
  return { status, tone: 'error', heading, caution: NOT_MINE } as const
}
