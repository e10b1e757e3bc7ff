import type { AwaitedEntry } from '../../core/ports/pending-store.ts'
import { createTopicListeners } from '../../core/requests/topic-listeners.ts'
import type { RedisConnection } from '../connection/redis-connection.ts'
import { closedError } from '../connection/redis-problem.ts'
import { channelName } from '../connection/subscriptions.ts'
import { createEntryLooks } from './entry-looks.ts'
import { createLooks, type LooksParts } from './looks.ts'
import { PUBLISH } from './wake-scripts.ts'

/** Wakes waiting calls in every process, and lets those of this process look from time to time. */
export interface Wakes {
  listen(topic: string, onWake: () => void, awaited?: AwaitedEntry): Promise<() => void>
  wake(topic: string): Promise<void>
  close(): void
}

export function createWakes(
  redis: Pick<RedisConnection, 'prefix' | 'isCluster' | 'run' | 'listen'>,
  rootOf: LooksParts['rootOf'],
): Wakes {
  const listeners = createTopicListeners()
  const looks = createLooks({ entries: createEntryLooks(redis), rootOf })
  let subscribed: Promise<() => void> | undefined
  let isClosed = false

  function subscription(): Promise<() => void> {
    subscribed ??= redis.listen('wake', listeners.wake, looks.all).catch((error: unknown) => {
      subscribed = undefined
      throw error
    })
    return subscribed
  }

  return {
    async listen(topic, onWake, awaited) {
      if (isClosed) throw closedError()
      const stopListening = listeners.listen(topic, onWake)
      const stopLooking = looks.add(onWake, awaited)
      const stop = () => {
        stopLooking()
        stopListening()
      }
      try {
        await subscription()
      } catch (error) {
        stop()
        throw error
      }
      return stop
    },

    async wake(topic) {
      if (isClosed) throw closedError()
      const channel = channelName(redis.prefix, 'wake')
      await redis.run(PUBLISH, { keys: [`${redis.prefix}{${topic}}`], arguments: [channel, topic] })
    },

    close() {
      isClosed = true
      looks.close()
      listeners.clear()
      void subscribed?.then((stop) => stop()).catch(() => undefined)
    },
  }
}
