import { randomBytes } from 'node:crypto'
import type { PendingStore, WebKeyInUse } from '../../core/ports/pending-store.ts'
import type { RedisConnection } from '../connection/redis-connection.ts'
import { redisScript } from '../connection/redis-script.ts'

/** Milliseconds for which a process counts as using its web key. It notes the key again each minute. */
const NOTED_FOR = 3 * 60_000
/** Anyone who may write to Redis can add notes without end. */
const MOST_READ = 200
/** The result of `keyId`, and a random text of the process, so that one that ends takes back its own note alone. */
const NOTE_OF_PROCESS = /^([0-9a-f]{4}-[0-9a-f]{4}):[0-9a-f]{8}$/
/** Notes that no replica can have written, and that one reading removes at most. */
const MOST_REMOVED = 2_000

/**
 * Notes the web key of a process, and answers the notes that count, each with the milliseconds since it was made. `KEYS[1]`: notes by the
 * time until which they count. `ARGV`: 2 note or empty, 3 milliseconds, 4 most notes, 5 most to remove. What no replica can have written is
 * removed, and not answered. A huge member ends the reading, because Redis serves nobody else meanwhile.
 */
const NOTE = redisScript(`
local latest = text(now + ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. latest, '+inf')
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], latest, ARGV[2])
  keep(KEYS[1], now + ARGV[3])
end
-- As NOTE_OF_PROCESS.
local four = string.rep('[0-9a-f]', 4)
local ofProcess = '^' .. four .. '%-' .. four .. ':' .. four .. four .. '$'
local found, removed = {}, 0
while #found < 2 * tonumber(ARGV[4]) and removed < tonumber(ARGV[5]) do
  local at = #found / 2
  local note = redis.call('ZRANGE', KEYS[1], at, at)[1]
  if not note then break end
  if string.find(note, ofProcess) then
    found[#found + 1] = note
    found[#found + 1] = text(now + ARGV[3] - redis.call('ZSCORE', KEYS[1], note))
  else
    redis.call('ZREM', KEYS[1], note)
    removed = removed + 1
    if #note > 1000 then break end
  end
end
return found
`)

const TAKE_BACK = redisScript(`
redis.call('ZREM', KEYS[1], ARGV[2])
return {}
`)

/** The notes of one process. */
export function createWebKeyNotes(
  redis: Pick<RedisConnection, 'run' | 'prefix'>,
): Required<Pick<PendingStore, 'webKeysInUse' | 'endWebKeyUse'>> {
  const keys = [`${redis.prefix}web-keys`] as const
  const process = randomBytes(4).toString('hex')
  let noted: string | undefined

  return {
    async webKeysInUse(own) {
      const note = own === undefined ? '' : `${own}:${process}`
      if (note !== '') noted = note
      const given = [note, NOTED_FOR, MOST_READ, MOST_REMOVED].map(String)
      return keysIn(await redis.run(NOTE, { keys, arguments: given }))
    },

    async endWebKeyUse() {
      if (noted === undefined) return
      await redis.run(TAKE_BACK, { keys, arguments: [noted] })
      noted = undefined
    },
  }
}

/** The newest note of each key. */
function keysIn(found: readonly string[]): readonly WebKeyInUse[] {
  const youngest = new Map<string, number>()
  for (let at = 0; at < found.length; at += 2) {
    const id = NOTE_OF_PROCESS.exec(found[at] ?? '')?.[1]
    const age = Number(found[at + 1])
    if (id !== undefined && Number.isFinite(age)) youngest.set(id, Math.min(age, youngest.get(id) ?? age))
  }
  const now = Date.now()
  return [...youngest].map(([id, age]) => ({
    id,
    seenAt: new Date(now - age),
    countsUntil: new Date(now - age + NOTED_FOR),
  }))
}
