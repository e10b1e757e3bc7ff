import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { type Logger, loggerOption } from '../../core/host/logger.ts'
import { partWarnings } from '../../core/host/process-warning.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import { parsedUrl } from '../../core/model/url-value.ts'
import { isHttpsOrLoopback } from '../../core/network/loopback.ts'
import type { AuditAnchor, AuditCheckpoint } from './anchor.ts'

export interface WebhookAnchorOptions {
  /**
   * Receives checkpoints as JSON, one per POST request: https, or http on loopback. Any 2xx status means that the checkpoint was stored.
   */
  readonly url: string
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string
  /** Most checkpoints that wait, 1 to 10000. When it is reached the oldest is dropped, since a later one covers more. Default 100. */
  readonly maxQueued?: number
  /** Called once for each outage. Default: a process warning. */
  readonly warn?: (message: string) => void
  /** A logger of pino's shape, which gets the same with `component` `audit-anchor`. Default: none. */
  readonly logger?: Logger | undefined
}

const optionsSchema = z.strictObject({
  url: z.string().refine(isAllowed, 'must be an https URL without user and password, or http on loopback'),
  token: z.string().min(1).optional(),
  maxQueued: z.int().min(1).max(10_000).default(100),
  warn: z.custom<(message: string) => void>((value) => typeof value === 'function', 'must be a function').optional(),
  logger: loggerOption(),
} satisfies OptionSchemas<WebhookAnchorOptions>)

const TIMEOUT = 5_000
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 60_000

/**
 * Sends checkpoints to another machine. The log never waits for it, and an outage costs no memory beyond its queue.
 *
 * @example
 * ```ts
 * import { jsonLinesAudit, webhookAnchor } from 'mcp-credential-vault'
 *
 * const anchor = webhookAnchor({ url: 'https://logs.example.com/checkpoints', maxQueued: 500 })
 * const audit = jsonLinesAudit({ folder: './data/audit', anchor })
 * ```
 */
export function webhookAnchor(options: WebhookAnchorOptions): AuditAnchor {
  const settings = parseOptions(optionsSchema, options, 'webhookAnchor')
  const { url, token, maxQueued } = settings
  const warn = partWarnings(settings, 'audit-anchor')
  const queue: AuditCheckpoint[] = []
  const ending = new AbortController()
  let sending: Promise<void> | undefined
  let dropped = 0

  async function send(checkpoint: AuditCheckpoint): Promise<boolean> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'error',
        headers: {
          'Content-Type': 'application/json',
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(checkpoint),
        signal: AbortSignal.timeout(TIMEOUT),
      })
      await response.body?.cancel()
      return response.ok
    } catch {
      return false
    }
  }

  async function sendAll(): Promise<void> {
    let pause = FIRST_PAUSE
    for (let next = queue[0]; next; next = queue[0]) {
      if (await send(next)) {
        if (pause > FIRST_PAUSE) warn(`The audit anchor works again; ${dropped} checkpoints were dropped meanwhile.`)
        pause = FIRST_PAUSE
        dropped = 0
        if (queue[0] === next) queue.shift()
        continue
      }
      if (ending.signal.aborted) break
      if (pause === FIRST_PAUSE) warn('The audit anchor does not accept checkpoints. They are kept and sent later.')
      await delay(pause, undefined, { ref: false, signal: ending.signal }).catch(() => {})
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    }
    sending = undefined
  }

  return {
    publish(checkpoint) {
      if (queue.length >= maxQueued) {
        queue.shift()
        dropped += 1
      }
      queue.push(checkpoint)
      sending ??= sendAll()
    },
    async close() {
      ending.abort()
      await Promise.race([sending, delay(TIMEOUT, undefined, { ref: false })])
    },
  }
}

function isAllowed(text: string): boolean {
  const url = parsedUrl(text)
  if (!url) return false
  if (url.username !== '' || url.password !== '') return false
  return isHttpsOrLoopback(url)
}
