import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createOutage } from '../../core/journal/outage.ts'
import type { Link } from './link.ts'
import type { RedisClient } from './redis-client.ts'
import { closedError, redisOutage } from './redis-problem.ts'
import type { Servers } from './servers.ts'

/** `wake`: topics of waiting calls. `changes`: what every replica must know at once. */
export type RedisChannel = 'wake' | 'changes'

const CHANNELS = ['wake', 'changes'] as const satisfies readonly RedisChannel[]

export function channelName(prefix: string, channel: RedisChannel): string {
  return `${prefix}${channel}`
}

interface Listener {
  readonly onMessage: (message: string) => void
  readonly onGap: () => void
}

/** Milliseconds for a master to take a probe, and for the probe to arrive through the bus of a cluster. */
const TAKEN_WITHIN = 1_000
const ARRIVED_WITHIN = 1_000
/** Begins a probe's message, which no listener gets. */
const PROBE = 'probe:'

const LOST =
  'Redis answers, but its messages have not arrived for up to ten seconds, so waiting calls and changes on other replicas were noticed late. ' +
  'The subscription is made again. If this repeats, look for a proxy between this process and Redis that drops idle connections.'

export interface SubscriptionsParts {
  readonly servers: Servers
  readonly prefix: string
  readonly timeoutMilliseconds: number
  readonly warn: (message: string) => void
}

/** Listens to both channels over one connection of its own. Publish/subscribe delivers at most once, so every new connection is a gap. */
export function createSubscriptions({ servers, prefix, timeoutMilliseconds, warn }: SubscriptionsParts) {
  const listeners: Readonly<Record<RedisChannel, Set<Listener>>> = { wake: new Set(), changes: new Set() }
  let link: Link | undefined
  let isClosed = false
  let hasBeenUp = false
  const loss = createOutage()
  /** Probes under way, `channel message`. */
  const probes = new Set<string>()

  function each(channel: RedisChannel, call: (listener: Listener) => void): void {
    // A microtask for each, so that one that throws does not stop the others.
    for (const listener of listeners[channel]) {
      queueMicrotask(() => {
        if (listeners[channel].has(listener)) call(listener)
      })
    }
  }

  function deliver(channel: RedisChannel, message: string): void {
    if (message.startsWith(PROBE)) probes.delete(`${channel} ${message}`)
    else each(channel, ({ onMessage }) => onMessage(message))
  }

  async function subscribe(client: RedisClient): Promise<void> {
    for (const channel of CHANNELS) {
      await client.subscribe(channelName(prefix, channel), (message) => deliver(channel, message))
    }
    if (hasBeenUp) for (const channel of CHANNELS) each(channel, ({ onGap }) => onGap())
    hasBeenUp = true
  }

  /** Has each master that can be reached send a message over each channel. Returns what was sent. */
  async function sendProbes(): Promise<readonly string[]> {
    const sent = await Promise.all(
      servers.known().flatMap((link) =>
        CHANNELS.map(async (channel) => {
          const message = `${PROBE}${randomUUID()}`
          const probe = `${channel} ${message}`
          probes.add(probe)
          const taken = link
            .ready(TAKEN_WITHIN)
            .then((client) => client.send(['PUBLISH', channelName(prefix, channel), message]))
          const isTaken = await Promise.race([
            taken.then(() => true).catch(() => false),
            delay(TAKEN_WITHIN, false, { ref: false }),
          ])
          if (!isTaken) probes.delete(probe)
          return isTaken ? [probe] : []
        }),
      ),
    )
    return sent.flat()
  }

  /**
   * Rejects if messages do not arrive although the connection works: a server or a proxy on the way has forgotten the subscription, or the
   * node has left the cluster.
   */
  async function check(client: RedisClient): Promise<void> {
    const sent = await sendProbes()
    const isMissing = () => sent.some((probe) => probes.has(probe))
    const until = performance.now() + ARRIVED_WITHIN
    while (isMissing() && performance.now() < until) await delay(20, undefined, { ref: false })
    // What had arrived before this answer has been read by now, however busy this process is.
    await client.send(['PING'])
    const isLost = isMissing()
    for (const probe of sent) probes.delete(probe)
    if (!isLost) return void loss.end()
    if (loss.isNews(LOST)) warn(LOST)
    throw redisOutage('Redis answers, but its messages do not arrive.')
  }

  const created = () => servers.subscriber({ prepare: subscribe, check })

  return {
    async listen(channel: RedisChannel, onMessage: (message: string) => void, onGap: () => void): Promise<() => void> {
      if (isClosed) throw closedError()
      const listener = { onMessage, onGap }
      listeners[channel].add(listener)
      try {
        link ??= created()
        await link.ready(timeoutMilliseconds)
      } catch (error) {
        listeners[channel].delete(listener)
        throw error
      }
      return () => void listeners[channel].delete(listener)
    },

    close(): void {
      isClosed = true
      for (const channel of CHANNELS) listeners[channel].clear()
      link?.close()
    },
  }
}
