import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { CONFIRMED_WITHIN, createConfirmations, notReplicated } from './confirmations.ts'
import { movedSlotOf } from './key-slot.ts'
import type { RedisClient } from './redis-client.ts'
import { closedError, isPassing, redisProblem } from './redis-problem.ts'
import { LATE, type RedisScript } from './redis-script.ts'
import type { ServerLink, Servers } from './servers.ts'

/** What one script is run with. */
export interface ScriptRun {
  /** The first one decides which node of a cluster runs the script. */
  readonly keys: readonly [string, ...string[]]
  readonly arguments?: readonly string[]
  /** Wait until one Redis replica has the change, if there are any, so that a fail-over does not lose it. Default false. */
  readonly acknowledged?: boolean
}

/** Milliseconds to wait for a link that is down before the cluster's table is read again. */
const CLUSTER_PATIENCE = 500

/** Returns the function that runs scripts: within the time limit, on the right server, and again after a lost connection. */
export function createScriptRunner(servers: Servers, timeoutMilliseconds: number, isClosed: () => boolean) {
  const isCluster = servers.mode === 'cluster'
  const confirmations = createConfirmations()

  /** One attempt over one connection. Returns undefined if the command was late by the server's clock, which then is known. */
  async function attempt(script: RedisScript, run: ScriptRun, target: Target): Promise<readonly string[] | undefined> {
    const { until } = target
    const left = () => until - performance.now()
    const readyWithin = () => Math.min(left(), isCluster ? CLUSTER_PATIENCE : left())
    const { link, client, mustConfirm } = await linkOf(target.link, run, readyWithin)
    const facts = link.factsOf(client)
    const late = () => {
      // Its own time was up, which says little about the connection. The server may hang, or the network may have forgotten it.
      link.doubt(client)
      return noAnswer(link.place.where, timeoutMilliseconds)
    }
    const deadline = String(Math.floor(facts.clock + until))
    const given = [String(run.keys.length), ...run.keys, deadline, ...(run.arguments ?? [])]
    const reply = await answered((signal) => evaluated({ client, signal }, script, given), left(), late)
    if (!Array.isArray(reply)) throw new TypeError('a script answered no list')
    const texts = reply.map(String)
    if (texts[0] === LATE) {
      const clock = Number(texts[1])
      if (!Number.isFinite(clock)) throw new TypeError('a script answered no time')
      facts.clock = clock - performance.now()
      return undefined
    }
    if (mustConfirm && !(await answered(() => confirmations.confirmed(client), CONFIRMED_WITHIN, late)))
      throw notReplicated(link.place.where)
    return texts
  }

  return async function run(script: RedisScript, given: ScriptRun): Promise<readonly string[]> {
    const until = performance.now() + timeoutMilliseconds
    let problem: CredentialVaultError | undefined
    for (let attempts = 1; !isClosed() && performance.now() < until; attempts += 1) {
      let link: ServerLink | undefined
      // A redirection and a corrected clock are followed at once, but only once, since a server may answer so without end.
      let mayRepeatNow = attempts === 1
      try {
        link = await servers.linkFor(given.keys[0])
        const reply = await attempt(script, given, { link, until })
        if (reply) return reply
      } catch (error) {
        const moved = movedSlotOf(error)
        if (moved) servers.moved?.(moved)
        else {
          problem = redisProblem(error, link?.place ?? servers.place)
          // The change was made, so the caller learns of the failure within a second and not after more attempts.
          if (!isPassing(error) || problem.reason === 'redis_behind') throw problem
          servers.lookAgain()
          mayRepeatNow = false
        }
      }
      // A command must not end while it waits here.
      if (!mayRepeatNow) await delay(randomInt(20, 60))
    }
    throw isClosed() ? closedError() : (problem ?? noAnswer(servers.place.where, timeoutMilliseconds))
  }
}

interface Target {
  readonly link: ServerLink
  /** By `performance.now()`. */
  readonly until: number
}

/** The link for a change that a Redis replica must confirm, where there are replicas, or else the shared one. */
async function linkOf(shared: ServerLink, run: ScriptRun, within: () => number) {
  const client = await shared.ready(within())
  if (!run.acknowledged || shared.factsOf(client).replicas === 0) return { link: shared, client, mustConfirm: false }
  const link = shared.confirming()
  return { link, client: await link.ready(within()), mustConfirm: true }
}

/** Waits for the answer to a command. One that is late ends alone: others over the same connection may be answered yet. */
async function answered<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  within: number,
  late: () => CredentialVaultError,
): Promise<T> {
  const ending = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const tooLate = new Promise<never>((_, reject) => {
    const judge = () => {
      if (isOver) return
      reject(late())
      ending.abort()
    }
    // A turn later, because in a busy process timers come before the answers that have arrived.
    timer = setTimeout(() => setImmediate(judge), within)
  })
  try {
    return await Promise.race([ask(ending.signal), tooLate])
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}

interface Sending {
  readonly client: RedisClient
  readonly signal: AbortSignal
}

/** Runs the script by its hash, or by its text on a server that has not seen it. */
async function evaluated({ client, signal }: Sending, script: RedisScript, given: readonly string[]): Promise<unknown> {
  try {
    return await client.send(['EVALSHA', script.sha, ...given], signal)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.send(['EVAL', script.text, ...given], signal)
  }
}

function noAnswer(where: string, milliseconds: number): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    `${where} did not answer within ${milliseconds / 1000} s. Check whether it hangs or is overloaded, then try again in a moment.`,
    {
      reason: 'redis_timeout',
      retryable: true,
    },
  )
}
