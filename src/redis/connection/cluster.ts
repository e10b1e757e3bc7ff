import { setTimeout as delay } from 'node:timers/promises'
import { keySlot, slotRanges } from './key-slot.ts'
import { createLink } from './link.ts'
import { openRedisClient, type RedisClient } from './redis-client.ts'
import { endpointOf } from './redis-options.ts'
import { type RedisPlace, redisAway, redisOutage, redisProblem } from './redis-problem.ts'
import { createServerLink, loginOf, type ServerLink, type Servers, type ServersParts } from './servers.ts'

const WHERE = 'The Redis cluster'
/** Milliseconds between two looks at the table of slots, which every failing command asks for. */
const LOOK_PAUSE = 250
/** Milliseconds within which a node has to name the masters, if none is known yet. */
const LOOK_WITHIN = 3_000

/** The masters of a cluster. Commands go to the master of their key's slot. */
export function createClusterServers({ settings, warn, changed }: ServersParts): Servers {
  const roots = settings.cluster?.nodes ?? []
  const login = loginOf(settings)
  const named = {
    option: 'redisConnection.cluster.nodes',
    login: 'redisConnection',
    hasTls: login.tls !== undefined,
  } as const
  const placeOf = (where: string): RedisPlace => ({ where, ...named })
  const links = new Map<string, ServerLink>()
  const closing = new AbortController()
  /** The master of each slot, `host:port`. */
  let table = new Map<number, string>()
  let looking: Promise<void> | undefined

  function linkTo(address: string): ServerLink {
    const known = links.get(address)
    if (known) return known
    const place = placeOf(`Redis at ${address}`)
    const find = async () => endpointOf(address)
    const link = createServerLink({ place, find, login, mode: 'cluster', warn, changed })
    links.set(address, link)
    return link
  }

  async function tableFrom(node: string): Promise<Map<number, string>> {
    let client: RedisClient | undefined
    try {
      client = await openRedisClient(endpointOf(node), login)
      const found = new Map<number, string>()
      for (const { from, to, master } of slotRanges(await client.send(['CLUSTER', 'SLOTS']))) {
        const host = master.host === '' ? endpointOf(node).host : master.host
        const address = `${host.includes(':') ? `[${host}]` : host}:${master.port}`
        for (let slot = from; slot <= to; slot += 1) found.set(slot, address)
      }
      if (found.size === 0) throw redisOutage(`${WHERE} answers, but it has no slots.`)
      return found
    } catch (error) {
      throw redisProblem(error, placeOf(`Redis at ${node}`))
    } finally {
      client?.destroy()
    }
  }

  async function look(): Promise<void> {
    const candidates = [...new Set([...roots, ...links.keys()])]
    try {
      table = await Promise.any(candidates.map(tableFrom))
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error
    }
    const masters = new Set(table.values())
    for (const [address, link] of links) {
      if (masters.has(address)) continue
      links.delete(address)
      link.close()
    }
  }

  function lookOnce(): Promise<void> {
    looking ??= look().finally(async () => {
      await delay(LOOK_PAUSE, undefined, { ref: false })
      looking = undefined
    })
    return looking
  }

  return {
    mode: 'cluster',
    place: placeOf(WHERE),
    moved: ({ slot, address }) => void table.set(slot, address),
    async linkFor(key) {
      if (closing.signal.aborted) throw redisAway(WHERE, 'the connection is closed')
      if (table.size === 0) await Promise.race([lookOnce(), tooLate()])
      const address = table.get(keySlot(key))
      if (address === undefined) throw redisOutage(`${WHERE} has no node for this slot.`)
      return linkTo(address)
    },
    lookAgain: () => void lookOnce().catch(() => undefined),
    async all() {
      await lookOnce()
      return [...new Set(table.values())].map(linkTo)
    },
    known: () => [...new Set(table.values())].map(linkTo),
    subscriber({ prepare, check }) {
      const nodes = () => [...new Set([...table.values(), ...roots])]
      let at = 0
      return createLink({
        place: placeOf(WHERE),
        changed: () => undefined,
        // Any node hears every message. After a failure the next one is asked.
        async open() {
          const all = nodes()
          const node = all[at++ % all.length] ?? ''
          return openRedisClient(endpointOf(node), login)
        },
        prepare,
        check,
      })
    },
    close() {
      closing.abort()
      for (const link of links.values()) link.close()
    },
  }
}

async function tooLate(): Promise<never> {
  await delay(LOOK_WITHIN, undefined, { ref: false })
  throw redisAway(WHERE, 'no node answered in time')
}
