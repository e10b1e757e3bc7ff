import type { Warn } from '../../core/host/logger.ts'
import { oncePerMinute } from '../../core/host/once-per-minute.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { printable } from '../../core/model/printable.ts'
import type { Message, Request } from '../upstream/message.ts'
import { type Catalogue, entriesMember, type ListMethod, negotiatedRevision } from './catalogue.ts'
import { hashOf, nameIn, type Snapshot } from './snapshot.ts'

/**
 * Shows clients what the operator has accepted, and nothing else: a tool's description is read by a model, so one that changes later may
 * be an attack (tool poisoning). What is new or changed at the upstream is held back, and the operator is told.
 */
export function snapshotCatalogue(upstream: string, snapshot: Snapshot, warn: Warn): Catalogue {
  const isNews = oncePerMinute()
  const accepted = (list: ReturnType<typeof entriesMember>) => new Set(snapshot[list].map(({ hash }) => hash))
  const hashes = {
    ...{ tools: accepted('tools'), prompts: accepted('prompts') },
    ...{ resources: accepted('resources'), resourceTemplates: accepted('resourceTemplates') },
  }
  const names = {
    'tools/call': new Set(snapshot.tools.map(({ entry }) => nameIn('tools', entry))),
    'prompts/get': new Set(snapshot.prompts.map(({ entry }) => nameIn('prompts', entry))),
  }
  const { instructions, protocolVersion } = snapshot.initialize

  function report(what: string): void {
    if (!isNews(what)) return
    warn(
      `${upstream}: ${what} is not as in the snapshot and is held back. Compare and take a new snapshot to accept it.`,
    )
  }

  return {
    changesOnConnect: false,
    initialize: (request) => ({
      ...snapshot.initialize,
      protocolVersion: negotiatedRevision(request, typeof protocolVersion === 'string' ? protocolVersion : undefined),
    }),
    passInitialize(result) {
      const { instructions: now, ...others } = result
      if (hashOf([now]) !== hashOf([instructions])) report('the text for models (instructions)')
      return instructions === undefined ? others : { ...others, instructions }
    },
    list: (method) => ({ [entriesMember(method)]: snapshot[entriesMember(method)].map(({ entry }) => entry) }),
    pass: (method, answer) => passed(method, answer),
    refuses({ method, params }: Request) {
      if (method !== 'tools/call' && method !== 'prompts/get') return undefined
      const name = params?.['name']
      if (typeof name === 'string' && names[method].has(name)) return undefined
      return 'This tool or prompt is not known here. It may be new at the server and still has to be accepted by the people who run this proxy.'
    },
  }

  function passed(method: ListMethod, answer: Message): Message {
    const { result } = answer
    const list = entriesMember(method)
    if (!isJsonObject(result) || !Array.isArray(result[list])) return answer
    const entries = result[list].filter(isJsonObject)
    const kept = entries.filter((entry) => hashes[list].has(hashOf(entry)))
    for (const entry of entries)
      if (!kept.includes(entry)) report(printable(`${list} ${JSON.stringify(nameIn(list, entry).slice(0, 128))}`))
    return { ...answer, result: { ...result, [list]: kept } }
  }
}
