import { redisCommands } from '../../test/harness/redis/redis-commands.ts'

/** One number of Redis' `INFO`. */
export async function statOf(port: number, section: string, name: string): Promise<number> {
  const [text] = await redisCommands(port, [['INFO', section]])
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(String(text))?.[1])
}

export interface CommandCounts {
  /** Commands that clients have sent to run scripts, or to wait for a replica of Redis. */
  readonly sent: number
  /** Those that scripts have run. */
  readonly inScripts: number
}

const SENT = new Set(['evalsha', 'eval', 'wait'])
/** Those of connections, and of whoever counts. */
const NOT_COUNTED =
  /^(?:info|config|client|hello|ping|auth|select|script|role|subscribe|ssubscribe|command|quit)(?:\||$)/

/** Commands since the server started, by `INFO commandstats`. */
export async function commandCounts(port: number): Promise<CommandCounts> {
  const [text] = await redisCommands(port, [['INFO', 'commandstats']])
  let sent = 0
  let inScripts = 0
  for (const [, name = '', calls] of String(text).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (SENT.has(name)) sent += Number(calls)
    else if (!NOT_COUNTED.test(name)) inScripts += Number(calls)
  }
  return { sent, inScripts }
}
