import { redisScript } from '../connection/redis-script.ts'

/**
 * Lua: wakes the topics at the end of `ARGV`. Part of the scripts that end requests, so that no wake comes before the change. `ARGV`:
 * 5 channel, 6 and more: topics.
 */
export const WAKE = `
local function wake()
  for at = 6, #ARGV do redis.call('PUBLISH', ARGV[5], ARGV[at]) end
end
`

/** Sends a message over a channel, such as a topic. `KEYS[1]` only chooses a node. `ARGV`: 2 channel, 3 message. */
export const PUBLISH = redisScript(`
redis.call('PUBLISH', ARGV[2], ARGV[3])
return { 'yes' }
`)
