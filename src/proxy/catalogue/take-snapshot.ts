import { isJsonObject } from '../../core/model/json.ts'
import { isAnswer, type Request } from '../upstream/message.ts'
import { type CredentialCall, type Upstream, UpstreamProblem, type UpstreamSession } from '../upstream/upstream.ts'
import { entriesMember, type ListMethod, OWN_INITIALIZE } from './catalogue.ts'
import { type Snapshot, type SnapshotEntry, snapshotEntry } from './snapshot.ts'

const MAX_PAGES = 100

/**
 * Asks an upstream for everything that it lists, as the person whose credential the call has.
 *
 * @throws `UpstreamProblem` if the upstream refuses
 */
export async function takeSnapshot(upstream: Pick<Upstream, 'open'>, call: CredentialCall): Promise<Snapshot> {
  const { session: opened, answer } = await upstream.open(OWN_INITIALIZE, call, 'snapshot')
  const session = listsOnly(opened)
  if (!isJsonObject(answer.result))
    throw new UpstreamProblem('refused', 'The upstream server refused to open a session.')
  const initialize = answer.result
  try {
    await session.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, call)
    const can = isJsonObject(initialize['capabilities']) ? initialize['capabilities'] : {}
    const list = async (method: ListMethod, capability: string) =>
      can[capability] === undefined ? [] : listOf(session, call, method)
    return {
      format: 1,
      takenAt: new Date().toISOString(),
      initialize,
      tools: await list('tools/list', 'tools'),
      prompts: await list('prompts/list', 'prompts'),
      resources: await list('resources/list', 'resources'),
      resourceTemplates: await list('resources/templates/list', 'resources'),
    }
  } finally {
    await session.end(call).catch(() => undefined)
  }
}

const READS: ReadonlySet<string | undefined> = new Set([
  ...['notifications/initialized', 'tools/list', 'prompts/list'],
  ...['resources/list', 'resources/templates/list'],
])

/** A session that reads lists and does nothing else: it has the operator's credential, which must serve nobody's call. */
function listsOnly(session: UpstreamSession): Pick<UpstreamSession, 'send' | 'end'> {
  return {
    async send(message, call) {
      if (READS.has(message.method)) return session.send(message, call)
      throw new UpstreamProblem('refused', "The operator's credential reads lists and serves no call.")
    },
    end: (call) => session.end(call),
  }
}

type ListSession = ReturnType<typeof listsOnly>

async function listOf(
  session: ListSession,
  call: CredentialCall,
  method: ListMethod,
): Promise<readonly SnapshotEntry[]> {
  const found: SnapshotEntry[] = []
  let cursor: unknown
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const params = typeof cursor === 'string' ? { cursor } : {}
    const result = await resultOf(session, call, { jsonrpc: '2.0', id: `${method} ${page}`, method, params })
    // A server may have resources and no templates.
    if (!result) return found
    const entries = result[entriesMember(method)]
    found.push(...(Array.isArray(entries) ? entries : []).filter(isJsonObject).map(snapshotEntry))
    cursor = result['nextCursor']
    if (cursor === undefined) return found
  }
  throw new UpstreamProblem('failed', `The list ${method} of the upstream server does not end.`)
}

async function resultOf(session: ListSession, call: CredentialCall, request: Request) {
  const { events } = await session.send(request, call)
  for await (const { message } of events)
    if (message && isAnswer(message)) return isJsonObject(message.result) ? message.result : undefined
  throw new UpstreamProblem('failed', 'The upstream server ended the connection before it answered.')
}
