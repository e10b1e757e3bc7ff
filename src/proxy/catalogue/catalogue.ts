import type { Message, Request } from '../upstream/message.ts'

/** What clients are told about an upstream before its user has connected, and which of its lists they may see afterwards. */
export interface Catalogue {
  /** Waits, not for long, for what is read from the upstream. Called before `initialize` and `list`. */
  ready?(): Promise<void>
  /** The result of `initialize` for a user whose credential is missing. */
  initialize(request: Request): unknown
  /** Returns the upstream's own result of `initialize` as it is passed on. */
  passInitialize(result: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
  /** The result of a list for such a user. */
  list(method: ListMethod): unknown
  /** Returns the user's own list as it is passed on. */
  pass(method: ListMethod, answer: Message): Message
  /** Returns why a call of the client is refused although the upstream may know it, or undefined. */
  refuses(request: Request): string | undefined
  /** Whether a client's lists may be others once its user has connected. */
  readonly changesOnConnect: boolean
}

const LISTS = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
} as const

export type ListMethod = keyof typeof LISTS

export function isListMethod(method: string): method is ListMethod {
  return Object.hasOwn(LISTS, method)
}

/** Returns the member of a list's result that has the entries. */
export function entriesMember(method: ListMethod): (typeof LISTS)[ListMethod] {
  return LISTS[method]
}

/** Revisions whose sessions the relay knows, newest first. */
const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26'] as const

/** How the proxy itself begins a session, for nobody who could be asked anything. */
export const OWN_INITIALIZE: Request = {
  jsonrpc: '2.0',
  id: 'initialize',
  method: 'initialize',
  params: {
    protocolVersion: REVISIONS[0],
    capabilities: {},
    clientInfo: { name: 'mcp-credential-vault', version: '1' },
  },
}

/** Returns the revision that a client is told, if the upstream has not been asked: its own one, if it is known. */
export function negotiatedRevision({ params }: Request, newest: string = REVISIONS[0]): string {
  const wanted = params?.['protocolVersion']
  const known = REVISIONS.filter((revision) => revision <= newest)
  return known.find((revision) => revision === wanted) ?? newest
}

/** Knows nothing of the upstream: each user sees their own lists, which are empty before they connect. */
export function userCatalogue(name: string): Catalogue {
  return {
    initialize: (request) => ({
      protocolVersion: negotiatedRevision(request),
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
      serverInfo: { name, version: '0' },
    }),
    passInitialize: (result) => result,
    list: (method) => ({ [entriesMember(method)]: [] }),
    pass: (_, answer) => answer,
    refuses: () => undefined,
    changesOnConnect: true,
  }
}
