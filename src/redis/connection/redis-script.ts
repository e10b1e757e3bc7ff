import { createHash } from 'node:crypto'

/** A Lua script, which Redis runs as one step. */
export interface RedisScript {
  readonly text: string
  /** SHA-1, by which Redis knows a script that it has seen. */
  readonly sha: string
}

/**
 * Begins every script. A change that was stuck on its way must not happen after later ones: it carries the time, by Redis's own clock, after
 * which nobody waits for it, and does nothing then.
 */
const DEADLINE = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function text(number) return string.format('%.0f', number) end
if now > tonumber(ARGV[1]) then return { 'late', text(now) } end
-- Keeps a key until the time at least. A key that is to be kept longer is left alone.
local function keep(key, at)
  if redis.call('PTTL', key) < at - now then redis.call('PEXPIREAT', key, text(at)) end
end
`

/** What a script answers that came too late. Its second element is Redis's time. */
export const LATE = 'late'

/**
 * Makes a script. Its first key decides which node of a cluster runs it; `ARGV[1]` is the deadline, so its own arguments begin at `ARGV[2]`.
 * It returns a list of texts. `now` is Redis's time in Unix milliseconds.
 */
export function redisScript(...parts: readonly string[]): RedisScript {
  const text = [DEADLINE, ...parts].join('\n')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
