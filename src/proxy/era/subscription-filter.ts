import { isJsonObject } from '../../core/model/json.ts'
import { type Message, notification } from '../upstream/message.ts'

/** What a client wants to hear on a stream of `subscriptions/listen` (MCP 2026-07-28, subscriptions). */
export interface SubscriptionFilter {
  readonly lists: readonly List[]
  readonly uris: readonly string[]
}

const LISTS = { tools: 'toolsListChanged', prompts: 'promptsListChanged', resources: 'resourcesListChanged' } as const

export type List = keyof typeof LISTS

/** Returns undefined for what is no filter. */
export function readFilter(value: unknown): SubscriptionFilter | undefined {
  if (!isJsonObject(value)) return undefined
  const { resourceSubscriptions: uris = [] } = value
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) return undefined
  const lists = (['tools', 'prompts', 'resources'] as const).filter((list) => value[LISTS[list]] === true)
  return { lists, uris: [...new Set<string>(uris)] }
}

/** Returns the part of the filter that a server with these abilities serves. */
export function honored(filter: SubscriptionFilter, capabilities: unknown): SubscriptionFilter {
  const has = (name: string, ability: string) => {
    const found = isJsonObject(capabilities) ? capabilities[name] : undefined
    return isJsonObject(found) && found[ability] === true
  }
  return {
    lists: filter.lists.filter((list) => has(list, 'listChanged')),
    uris: has('resources', 'subscribe') ? filter.uris : [],
  }
}

export function filterMembers({ lists, uris }: SubscriptionFilter): Readonly<Record<string, unknown>> {
  return {
    ...Object.fromEntries(lists.map((list) => [LISTS[list], true])),
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
  }
}

export function isWanted({ lists, uris }: SubscriptionFilter, { method, params }: Message): boolean {
  if (method === 'notifications/resources/updated') return uris.some((uri) => uri === params?.['uri'])
  return lists.some((list) => method === `notifications/${list}/list_changed`)
}

export function listChanges({ lists }: SubscriptionFilter): readonly Message[] {
  return lists.map((list) => notification(`${list}/list_changed`))
}
