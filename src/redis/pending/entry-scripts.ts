import { redisScript } from '../connection/redis-script.ts'
import { WAKE } from './wake-scripts.ts'

/** A waiting call counts for three looks at its entry (`LOOK_EVERY` in `looks.ts`), so that one lost look does not free it. */
export const LEASE_MILLISECONDS = 30_000

/**
 * The steps of the pending store. `KEYS[1]` is the root of one owner, `{prefix}{owner}`, and all keys below have its hash tag:
 *
 * - `:e:{key}` an entry, a hash
 * - `:s:{slot}` the key of the slot's open entry
 * - `:w:{key}` its waiting calls, by the time until which each counts
 * - `:c` all waiting calls of the owner, by the same time
 * - `:o` the owner's entries that are open or claimed, by the time until which they are
 * - `:m` there while a save of the owner may run, and a minute after anything ended: what a waiting call waits for may be there
 *
 * `KEYS[2]`, where all keys are on one server, holds every entry as `root key`, by the time from which it may make room for another.
 */
const ENTRIES = `
local root, all = KEYS[1], KEYS[2]
local function entryKey(key) return root .. ':e:' .. key end
local function waitersKey(key) return root .. ':w:' .. key end
local function slotKey(slot) return root .. ':s:' .. slot end
local calls = root .. ':c'

-- Sends every waiting call of the owner to look for itself until a minute after the time. A wake may be lost, and whoever saves may die.
local function stir(at)
  redis.call('SET', root .. ':m', '1', 'NX')
  keep(root .. ':m', at + 60000)
end

-- Counts a call as waiting for the entry, as long as its lease lasts.
local function await(one, waiter, lease)
  for _, key in ipairs({ waitersKey(one.key), calls }) do redis.call('ZADD', key, text(now + lease), waiter) end
  keep(waitersKey(one.key), one.keepUntil)
  keep(calls, now + lease)
end

local function find(key)
  local held = redis.call('HMGET', entryKey(key), 'slot', 'sealed', 'expiresAt', 'keepUntil', 'outcome', 'claim', 'claimUntil', 'closedBy', 'closedAt')
  if not held[1] then return nil end
  local one = { key = key, slot = held[1], sealed = held[2], expiresAt = tonumber(held[3]), keepUntil = tonumber(held[4]),
    outcome = held[5], claim = held[6], claimUntil = tonumber(held[7] or '0'), closedBy = held[8], closedAt = tonumber(held[9] or '') }
  one.isClaimed = not one.outcome and now < one.claimUntil
  -- A save that was claimed in the link's last second still runs after the link has expired.
  one.isLive = not one.outcome and (now < one.expiresAt or one.isClaimed)
  if now >= one.keepUntil and not one.isLive then return nil end
  return one
end

local function stored(one)
  local state = one.outcome and 'closed' or (one.isClaimed and 'claimed' or 'open')
  return { 'entry', one.key, one.slot, one.sealed, text(one.expiresAt), text(one.keepUntil), state, one.outcome or '', one.closedAt and text(math.max(0, now - one.closedAt)) or '' }
end

-- Notes until when the entry is live, or that it has ended.
local function index(one)
  local liveUntil = math.max(one.expiresAt, one.claimUntil)
  if one.outcome then
    redis.call('ZREM', root .. ':o', one.key)
  else
    redis.call('ZADD', root .. ':o', text(liveUntil), one.key)
    keep(root .. ':o', liveUntil)
  end
  if all then
    redis.call('ZADD', all, text(one.outcome and now or liveUntil), root .. ' ' .. one.key)
    keep(all, math.max(one.keepUntil, liveUntil))
  end
end

local function close(one, outcome, by)
  if one.outcome then return one.closedBy == by and by ~= '' end
  redis.call('HSET', entryKey(one.key), 'outcome', outcome, 'closedBy', by, 'closedAt', text(now))
  redis.call('HDEL', entryKey(one.key), 'claim', 'claimUntil')
  redis.call('PEXPIREAT', entryKey(one.key), text(math.max(one.keepUntil, now + 1)))
  if redis.call('GET', slotKey(one.slot)) == one.key then redis.call('DEL', slotKey(one.slot)) end
  one.outcome, one.isClaimed, one.claimUntil, one.closedAt = outcome, false, 0, now
  index(one)
  stir(now)
  return true
end

local function answer(is) return { is and 'yes' or 'no' } end
`

/**
 * `ARGV`: 2 key, 3 slot, 4 sealed, 5 expiresAt, 6 keepUntil, 7 waiter or empty, 8 lease in milliseconds, 9 most open of the owner, 10 most
 * entries, 11 most waiting calls of the owner. Answers the entry, `owner_full` or `store_full`, and after the entry `may_not_wait` if the
 * call was not counted. Run twice, it finds the entry that it has inserted.
 */
export const OPEN = redisScript(
  ENTRIES,
  `
local key, slot, waiter = ARGV[2], ARGV[3], ARGV[7]

local function remove(member)
  local otherRoot, otherKey = string.match(member, '^(%S+) (%S+)$')
  local otherSlot = redis.call('HGET', otherRoot .. ':e:' .. otherKey, 'slot')
  if otherSlot and redis.call('GET', otherRoot .. ':s:' .. otherSlot) == otherKey then redis.call('DEL', otherRoot .. ':s:' .. otherSlot) end
  -- KEYS[2] is the prefix and "all".
  redis.call('DEL', otherRoot .. ':e:' .. otherKey, otherRoot .. ':w:' .. otherKey, string.sub(all, 1, -4) .. 'at:' .. otherKey)
  redis.call('ZREM', all, member)
end

-- A spent request only tells its owner how it ended. If it counted, one user could open and cancel requests until no other gets one.
local function makeRoom()
  if not all or redis.call('ZCARD', all) < tonumber(ARGV[10]) then return true end
  local spent = redis.call('ZRANGE', all, 0, 0, 'WITHSCORES')
  if tonumber(spent[2]) > now then return false end
  remove(spent[1])
  return true
end

local current = redis.call('GET', slotKey(slot))
local one = current and find(current) or nil
if not one or one.outcome or now >= one.expiresAt then one = find(key) end
if not one then
  redis.call('ZREMRANGEBYSCORE', root .. ':o', '-inf', text(now))
  if redis.call('ZCARD', root .. ':o') >= tonumber(ARGV[9]) then return { 'owner_full' } end
  if not makeRoom() then return { 'store_full' } end
  one = { key = key, slot = slot, sealed = ARGV[4], expiresAt = tonumber(ARGV[5]), keepUntil = tonumber(ARGV[6]), claimUntil = 0 }
  redis.call('HSET', entryKey(key), 'slot', slot, 'sealed', ARGV[4], 'expiresAt', ARGV[5], 'keepUntil', ARGV[6])
  redis.call('PEXPIREAT', entryKey(key), ARGV[6])
  redis.call('SET', slotKey(slot), key, 'PXAT', ARGV[5])
  index(one)
end
local answered = stored(one)
if waiter ~= '' then
  redis.call('ZREMRANGEBYSCORE', calls, '-inf', text(now))
  if redis.call('ZSCORE', calls, waiter) or redis.call('ZCARD', calls) < tonumber(ARGV[11]) then
    await(one, waiter, tonumber(ARGV[8]))
  else
    answered[#answered + 1] = 'may_not_wait'
  end
end
return answered
`,
)

/** `ARGV`: 2 key, 3 waiter or empty, 4 lease in milliseconds. Answers the entry, or `absent`. */
export const GET = redisScript(
  ENTRIES,
  `
local one = find(ARGV[2])
if not one then return { 'absent' } end
if ARGV[3] ~= '' and one.isLive then await(one, ARGV[3], tonumber(ARGV[4])) end
return stored(one)
`,
)

/**
 * Looks at entries for many waiting calls, and keeps those calls counted. `KEYS`: the roots of the calls' owners, in one slot. `ARGV`: 2
 * lease in milliseconds, then key and waiter or empty for each root. Answers `looked` and the positions of the calls that have to look
 * for themselves: an entry that has ended, or that somebody claims or has claimed, or an owner of whom something has ended, or whose keys
 * are not as these scripts write them.
 */
export const LOOK = redisScript(
  ENTRIES,
  `
local function mayHaveEnded(key)
  if redis.call('GET', root .. ':m') then return true end
  local held = redis.call('HMGET', entryKey(key), 'expiresAt', 'keepUntil', 'outcome', 'claim')
  return not held[1] or held[3] or held[4] or now >= tonumber(held[1]), tonumber(held[2])
end

local function isUnsure(key, waiter)
  local mayHave, keepUntil = mayHaveEnded(key)
  if not mayHave and waiter ~= '' then await({ key = key, keepUntil = keepUntil }, waiter, tonumber(ARGV[2])) end
  return mayHave
end

-- Keys of another type, or texts for numbers, are at fault for one owner alone. Returns the code of what a server refuses for all.
local function refusal(problem)
  for _, code in ipairs({ 'READONLY', 'NOREPLICAS', 'MISCONF', 'OOM' }) do
    if string.find(tostring(problem), code, 1, true) then return code end
  end
end

local answered = { 'looked' }
for at = 1, #KEYS do
  root, calls = KEYS[at], KEYS[at] .. ':c'
  local isDone, found = pcall(isUnsure, ARGV[2 * at + 1], ARGV[2 * at + 2])
  local code = not isDone and refusal(found)
  if code then return redis.error_reply(code .. ' nothing can be written') end
  if not isDone or found then answered[#answered + 1] = text(at) end
end
return answered
`,
)

/** `ARGV`: 2 key, 3 claim, 4 until. */
export const CLAIM = redisScript(
  ENTRIES,
  `
local one = find(ARGV[2])
if not one or one.outcome then return answer(false) end
if one.claim ~= ARGV[3] and (one.isClaimed or now >= one.expiresAt) then return answer(false) end
redis.call('HSET', entryKey(one.key), 'claim', ARGV[3], 'claimUntil', ARGV[4])
one.claimUntil = tonumber(ARGV[4])
redis.call('PEXPIREAT', entryKey(one.key), text(math.max(one.keepUntil, one.claimUntil)))
index(one)
stir(one.claimUntil)
return answer(true)
`,
)

/** `ARGV`: 2 key, 3 claim. */
export const UNCLAIM = redisScript(
  ENTRIES,
  `
local one = find(ARGV[2])
if one and not one.outcome and one.claim == ARGV[3] then
  redis.call('HDEL', entryKey(one.key), 'claim', 'claimUntil')
  redis.call('PEXPIREAT', entryKey(one.key), text(one.keepUntil))
  one.claimUntil = 0
  index(one)
end
return answer(true)
`,
)

/** `ARGV`: 2 key, 3 outcome, 4 id of this call, 5 channel, 6 and more: topics. A repeated call answers as the first did. */
export const CLOSE = redisScript(
  ENTRIES,
  WAKE,
  `
local one = find(ARGV[2])
local closed = one ~= nil and close(one, ARGV[3], ARGV[4])
wake()
return answer(closed)
`,
)

/** As {@link CLOSE}, but only if no call waits for the entry and nobody has claimed it. */
export const CLOSE_UNLESS_AWAITED = redisScript(
  ENTRIES,
  WAKE,
  `
local one = find(ARGV[2])
if not one then return answer(false) end
redis.call('ZREMRANGEBYSCORE', waitersKey(one.key), '-inf', text(now))
if one.isClaimed or redis.call('ZCARD', waitersKey(one.key)) > 0 then return answer(false) end
local closed = close(one, ARGV[3], ARGV[4])
if closed then wake() end
return answer(closed)
`,
)

/** `ARGV`: 2 outcome. Answers the entries that were closed, one after the other. */
export const CLOSE_ALL = redisScript(
  ENTRIES,
  `
local closed = {}
for _, key in ipairs(redis.call('ZRANGE', root .. ':o', 0, -1)) do
  local one = find(key)
  if not one then
    redis.call('ZREM', root .. ':o', key)
  elseif close(one, ARGV[2], '') then
    for _, field in ipairs(stored(one)) do closed[#closed + 1] = field end
  end
end
return closed
`,
)

/** `ARGV`: 2 key, 3 waiter. */
export const LEAVE = redisScript(
  ENTRIES,
  `
for _, key in ipairs({ waitersKey(ARGV[2]), calls }) do redis.call('ZREM', key, ARGV[3]) end
return answer(true)
`,
)

/**
 * The pointer from an entry's key to its owner, whose hash tag the entry has. `KEYS[1]`: `{prefix}at:{key}`. It is written first and never
 * changed. `ARGV`: 2 owner, 3 until.
 */
export const POINT = redisScript(`
redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PXAT', ARGV[3])
return { 'yes' }
`)

export const FOLLOW = redisScript(`
local owner = redis.call('GET', KEYS[1])
return owner and { 'at', owner } or { 'absent' }
`)

/** Removes a pointer to an entry that was never inserted. */
export const UNPOINT = redisScript(`
redis.call('DEL', KEYS[1])
return { 'yes' }
`)
