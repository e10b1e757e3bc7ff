import type { Message, Request } from './message.ts'
import { type CredentialCall, type Upstream, UpstreamProblem, type UpstreamSession } from './upstream.ts'

const LISTS: ReadonlySet<string> = new Set([
  ...['notifications/initialized', 'tools/list', 'prompts/list'],
  ...['resources/list', 'resources/templates/list'],
])

/** An upstream that reads lists and does nothing else, for a credential of the operator's that must serve nobody's call. */
export function listsOnly(upstream: Pick<Upstream, 'open'>): Pick<Upstream, 'open'> {
  return {
    async open(initialize: Request, call: CredentialCall) {
      const { session, answer } = await upstream.open(initialize, call)
      return { session: limited(session), answer }
    },
  }
}

function limited(session: UpstreamSession): UpstreamSession {
  return {
    async send(message: Message, call) {
      if (message.method !== undefined && LISTS.has(message.method)) return session.send(message, call)
      throw new UpstreamProblem('refused', 'The credential for discovery reads lists and serves no call.')
    },
    listen: async () => undefined,
    end: (call) => session.end(call),
  }
}
