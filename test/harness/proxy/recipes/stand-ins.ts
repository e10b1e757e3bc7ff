import type { IncomingMessage } from 'node:http'
import { startService } from '../../http-service.ts'

/** A stand-in of a service: it knows people by their tokens, and says who asks. */
export interface RecipeService {
  readonly origin: string
  /** Who did what there, in order. */
  readonly done: readonly { readonly who: string; readonly what: string }[]
  /** Tokens that were refused. */
  readonly refused: readonly string[]
  know(token: string, who: string): void
  forget(token: string): void
  close(): Promise<void>
}

export interface StandIn {
  tokenIn(request: IncomingMessage): string | undefined
  /** The answer's body for a request of a person; undefined if the service has no such path. */
  answer(path: string, who: string): unknown
}

export async function startRecipeService({ tokenIn, answer }: StandIn): Promise<RecipeService> {
  const people = new Map<string, string>()
  const done: { who: string; what: string }[] = []
  const refused: string[] = []
  const service = await startService((request, response) => {
    const token = tokenIn(request) ?? ''
    const who = people.get(token)
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (who === undefined) {
      refused.push(token)
      return void json(401, { message: '401 Unauthorized' })
    }
    const { pathname } = new URL(request.url ?? '/', 'http://service')
    done.push({ who, what: `${request.method} ${pathname}` })
    const body = answer(pathname, who)
    if (body === undefined) json(404, { message: `404 Not Found ${pathname}` })
    else json(200, body)
  })
  return {
    origin: service.origin,
    done,
    refused,
    know: (token, who) => void people.set(token, who),
    forget: (token) => void people.delete(token),
    close: () => service.close(),
  }
}

/** GitLab's REST API, as far as `whoami` goes. */
export const GITLAB: StandIn = {
  tokenIn: ({ headers }) => bearerIn(headers.authorization) ?? one(headers['private-token']),
  answer: (path, who) =>
    path === '/api/v4/user'
      ? { ...GITLAB_USER, id: who.length, username: who, web_url: `https://gitlab.example.com/${who}` }
      : undefined,
}

const GITLAB_USER = {
  ...{ name: 'A person', state: 'active', avatar_url: '', bio: '', location: '', public_email: '', website_url: '' },
  ...{ organization: '', job_title: '', email: 'person@example.com', created_at: '2026-01-01T00:00:00.000Z' },
  ...{ last_sign_in_at: '2026-01-01T00:00:00.000Z', confirmed_at: '2026-01-01T00:00:00.000Z' },
  last_activity_on: '2026-01-01',
}

/** Jira's REST API, as far as `jira_get_all_projects` goes. */
export const JIRA: StandIn = {
  tokenIn: ({ headers }) => bearerIn(headers.authorization),
  answer(path, who) {
    if (path.endsWith('/myself')) return { name: who, key: who, displayName: who, emailAddress: `${who}@example.com` }
    if (path.endsWith('/project')) return [{ id: '1', key: who.toUpperCase(), name: `Project of ${who}` }]
    if (path.endsWith('/serverInfo')) return { version: '9.12.0', deploymentType: 'Server', baseUrl: 'https://jira' }
    return undefined
  },
}

function bearerIn(header: string | undefined): string | undefined {
  return /^(?:Bearer|Token) (\S+)$/.exec(header ?? '')?.[1]
}

function one(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}
