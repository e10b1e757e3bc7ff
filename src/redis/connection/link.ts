import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { CredentialVaultError } from '../../core/model/errors.ts'
import type { RedisClient } from './redis-client.ts'
import { isPassing, type RedisPlace, redisAway, redisProblem } from './redis-problem.ts'

/** A connection that is kept up: it is opened when it is first needed, checked regularly, and opened again when it ends. */
export interface Link {
  /**
   * Resolves to the open connection, and waits for it if it is being opened. Rejects with the cause after `milliseconds`, and at once if
   * waiting does not help.
   */
  ready(milliseconds: number): Promise<RedisClient>
  /** Checks this connection now, because a command over it was not answered in time. A new one is opened if it fails. */
  doubt(client: RedisClient): void
  close(): void
}

export interface LinkParts {
  readonly place: RedisPlace
  /** Connects and logs in. */
  readonly open: () => Promise<RedisClient>
  /** Prepares and checks a new connection before it is used. Rejects if it must not be used. */
  readonly prepare: (client: RedisClient) => Promise<void>
  /** Checks a connection in use. Rejects if it must be given up. */
  readonly check: (client: RedisClient) => Promise<void>
  /** Called when the link goes down, with the cause, and when it is up again, with undefined. */
  readonly changed: (problem: CredentialVaultError | undefined) => void
}

/** Milliseconds between two checks of an open connection, and for each. */
const CHECK_EVERY = 5_000
const CHECK_WITHIN = 4_000
/** The same for a connection over which a command was late already. */
const DOUBTED_WITHIN = 2_000
/** Milliseconds before the first and the last attempts to reconnect. The pause doubles in between. */
const FIRST_PAUSE = 25
const LONGEST_PAUSE = 2_000
/** Operations that may wait for a connection. More fail at once, so that an outage does not fill the memory. */
const MOST_WAITING = 20_000

interface Waiting {
  resolve(client: RedisClient): void
  reject(problem: CredentialVaultError): void
}

export function createLink(parts: LinkParts): Link {
  const { place, changed } = parts
  const { where } = place
  const closing = new AbortController()
  const waiting = new Set<Waiting>()
  let open: RedisClient | undefined
  let problem = redisAway(where, 'it is being connected to')
  let isRunning = false
  let checkNow: (client: RedisClient) => void = () => undefined

  function settle(act: (one: Waiting) => void): void {
    for (const one of [...waiting]) act(one)
  }

  async function connected(): Promise<RedisClient> {
    const client = await parts.open()
    try {
      await withinTime(CHECK_WITHIN, parts.prepare(client))
      return client
    } catch (error) {
      client.destroy()
      throw error
    }
  }

  /** Uses one connection until it ends. */
  async function use(client: RedisClient): Promise<void> {
    let hasEnded = false
    let isDoubted = false
    let goOn = () => {}
    void client.ended.then(() => {
      hasEnded = true
      goOn()
    })
    checkNow = (doubted) => {
      if (doubted !== client) return
      isDoubted = true
      goOn()
    }
    while (!hasEnded && !closing.signal.aborted) {
      if (!isDoubted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, CHECK_EVERY).unref()
          goOn = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      if (hasEnded) return
      const within = isDoubted ? DOUBTED_WITHIN : CHECK_WITHIN
      await withinTime(within, parts.check(client), client.answers)
      // Commands that were late during the check are answered for by it.
      isDoubted = false
    }
  }

  async function keepUp(): Promise<void> {
    for (let attempt = 0; !closing.signal.aborted; attempt += 1) {
      let client: RedisClient | undefined
      try {
        client = await connected()
        if (closing.signal.aborted) return
        attempt = 0
        open = client
        changed(undefined)
        settle((one) => one.resolve(client as RedisClient))
        await use(client)
        problem = redisAway(where, 'the connection ended')
      } catch (error) {
        problem = redisProblem(error, place)
      } finally {
        open = undefined
        client?.destroy()
      }
      if (closing.signal.aborted) return
      changed(problem)
      if (!isPassing(problem)) settle((one) => one.reject(problem))
      // Jitter, so that the replicas do not all return at the same moment.
      const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempt, 10))
      await delay(randomInt(Math.ceil(most / 2), most + 1), undefined, { ref: false, signal: closing.signal }).catch(
        () => undefined,
      )
    }
  }

  return {
    ready(milliseconds) {
      if (open) return Promise.resolve(open)
      if (closing.signal.aborted) return Promise.reject(redisAway(where, 'the connection is closed'))
      if (waiting.size >= MOST_WAITING) return Promise.reject(problem)
      if (!isRunning) {
        isRunning = true
        void keepUp().finally(() => settle((one) => one.reject(redisAway(where, 'the connection is closed'))))
      }
      return new Promise((resolve, reject) => {
        const done = () => {
          clearTimeout(timer)
          waiting.delete(one)
        }
        const one: Waiting = {
          resolve(client) {
            done()
            resolve(client)
          },
          reject(cause) {
            done()
            reject(cause)
          },
        }
        const timer = setTimeout(() => one.reject(problem), Math.max(0, milliseconds))
        waiting.add(one)
      })
    },

    doubt(client) {
      checkNow(client)
    },

    close() {
      closing.abort()
      open?.destroy()
    },
  }
}

/**
 * Rejects after a time without any of the connection's `answers`; the caller then destroys the connection. One that is slow, because many
 * commands are before this work or the process is busy, is none that hangs.
 */
async function withinTime<T>(milliseconds: number, work: Promise<T>, answers = () => 0): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const late = new Promise<never>((_, reject) => {
    const problem = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
    const wait = () => {
      const before = answers()
      // A turn later, because in a busy process timers come before the answers that have arrived.
      const judge = () => setImmediate(() => (answers() === before ? reject(problem) : isOver || wait()))
      timer = setTimeout(judge, milliseconds).unref()
    }
    wait()
  })
  try {
    return await Promise.race([work, late])
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}
