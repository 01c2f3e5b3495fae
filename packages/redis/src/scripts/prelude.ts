/**
 * What the scripts have in common. One lock is a string, and while somebody waits or several hold, up to four keys more,
 * all in one hash slot:
 *
 * - `KEYS[1]`, the string, has fields of fixed width, so that a script that finds the usual case works with them as they are:
 *
 *   | from | width | |
 *   | --- | --- | --- |
 *   | 1 | 1 | `+` if there is more in the keys below, else `-` |
 *   | 2 | 13 | up to which end of a hold the key need not be made to expire later |
 *   | 15 | 13 | until when cancelled tokens have to be looked for |
 *   | 28 | 16 | the last fencing token that was reserved |
 *   | 44 | 22 | the exclusive holder's token |
 *   | 66 | 13 | when its hold ends |
 *   | 79 | 16 | its fencing token |
 *   | 95 | 13 | when it was granted |
 *   | 108 | | its owner and metadata |
 *
 *   A release puts `!` and seven characters of its request over the start of the token: the rest still tells whose it was.
 *
 * - `…:q`, waiters by arrival; `…:h`, shared and semaphore holders by the end of their hold; `…:t`, cancelled tokens by the
 *   time until which they are remembered.
 * - `…:m`, a hash: `u` the use (`lock`, or the permits of a semaphore), `h<token>` a holder's and `w<token>` a waiter's
 *   particulars, `n` a counter of arrivals, `c` the tokens and channels of those who asked to be told.
 *
 * All times are the server's, in whole milliseconds, with 13 digits: as such they compare as text. Arguments, and conversions
 * between text and number, are what costs most in a short script; so the other keys are derived from the first, in its slot.
 *
 * A fencing token is at least the time in microseconds: it rises by the clock even if what was stored is lost.
 */

/** For how long a name is remembered after its last use, in milliseconds: its tokens then rise over clock steps this large. */
export const RETENTION: number = 600_000
/** For how long a waiter that was granted the lock holds it without a word, at most; and keeps its place in the queue. */
export const CLAIM: number = 2_000
export const WAITER_LIFE: number = 5_000
/** For how long a cancelled token is remembered at most. */
const REMEMBERED = 30 * 86_400_000
/** The end of a hold without end. */
export const NEVER: string = '9999999999999'

/** Reads the clock and the lock's string. */
export const READ: string = `
local call, sub = redis.call, string.sub
local main, token = KEYS[1], ARGV[1]
local time = call('TIME')
if #time[1] ~= 10 then return redis.error_reply('ERR the clock of the server is wrong: it shows a year before 2001') end
local us = time[1] .. sub('000000', #time[2] + 1) .. time[2]
local now = sub(us, 1, 13)
local v = call('GET', main) or '${`-${'0'.repeat(42)}`}'
local more = sub(v, 1, 1) == '+'
local first = sub(v, 44, 44)
local released = first == '!'
local ends = first ~= '' and not released and sub(v, 66, 78)
`

/**
 * Stores what the string shall be from its third field on. It expires by `RETENTION` later than `until_` at least; true if that
 * time had to be put off.
 */
export const STORE: string = `
local function store(flag, until_, rest)
  local enough = sub(v, 2, 14)
  if until_ == '${NEVER}' then
    call('SET', main, flag .. until_ .. rest)
  elseif until_ <= enough and enough ~= '${NEVER}' then
    local new = flag .. enough .. rest
    if new ~= v then call('SET', main, new, 'KEEPTTL') end
    return false
  else
    call('SET', main, flag .. string.format('%d', until_ + ${RETENTION}) .. rest, 'PXAT', string.format('%d', until_ + ${2 * RETENTION}))
  end
  return true
end
`

/** What happens where there are waiters, or several holders. */
export const WORK: string = `
local queue, holders, tombs, more_ = main .. ':q', main .. ':h', main .. ':t', main .. ':m'
local match, max = string.match, math.max
local clock, fence, buried = tonumber(now), tonumber(sub(v, 28, 43)), sub(v, 15, 27)
local used, watchers = unpack(more and call('HMGET', more_, 'u', 'c') or {})
-- What is left where one of the keys was evicted or deleted alone must not come to life again.
if not more then
  call('DEL', queue, holders, more_)
elseif not used then
  call('DEL', queue, holders)
end
-- Something was put into the other keys: they have to live as long as the first.
local mine, added
local gone = released and sub(v, 44, 65)
-- The exclusive holder: its token, and what is stored of it from then on.
local holder = ends and ends > now and sub(v, 44, 65)
local particulars = holder and sub(v, 66)
-- How many hold together; nil: not counted yet. Beside an exclusive holder there is none.
local together = (holder or not used) and 0 or nil
local function count()
  if not together then together = call('ZCARD', holders) end
  return together
end
local function text(n) return string.format('%d', n) end
local function enter(one, until_)
  local others = count()
  together = others + call('ZADD', holders, until_, one)
  added = true
end
local function leave(one)
  if count() == 0 or call('ZREM', holders, one) == 0 then return false end
  together = together - 1
  call('HDEL', more_, 'h' .. one)
  return true
end
local function drop(waiter)
  call('ZREM', queue, waiter)
  call('HDEL', more_, 'w' .. waiter)
end
local function head(taking)
  while true do
    local first = (taking and call('ZPOPMIN', queue) or call('ZRANGE', queue, 0, 0))[1]
    if not first then return nil end
    local w = call('HGET', more_, 'w' .. first)
    if w then
      local alive, mode, ttl, tokens, channel, info = match(w, '^(%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
      if alive > now then return first, mode, tonumber(ttl), tonumber(tokens), channel, info end
    end
    drop(first)
  end
end
local function fits(mode)
  if holder then return false end
  if count() == 0 then return true end
  if mode == 'x' then return false end
  return mode == 's' or count() < tonumber(mode)
end
local function grant(to, mode, ttl, tokens, info)
  local first = max(fence + 1, tonumber(us))
  fence = first + tokens - 1
  local since = text(first) .. now .. info
  if mode == 'x' then
    holder, particulars = to, text(clock + ttl) .. since
  else
    enter(to, text(clock + ttl))
    call('HSET', more_, 'h' .. to, since)
  end
  return text(first)
end
local function prune()
  if count() == 0 then return end
  for _, over in ipairs(call('ZRANGEBYSCORE', holders, '-inf', now)) do leave(over) end
end
local function use()
  if holder then return 'lock' end
  if count() > 0 or head() then return used end
end
-- Grants to the queue in its order, as far as the modes allow. The caller, if it is served, hears it by the reply.
local function serve(caller, whole)
  while not holder do
    -- Where nobody holds, the first one fits.
    local taking = count() == 0
    local first, mode, ttl, tokens, channel, info = head(taking)
    if not first or not fits(mode) then return end
    if taking then call('HDEL', more_, 'w' .. first) else drop(first) end
    if first == caller then
      mine = grant(first, mode, whole, tokens, info)
    else
      ttl = math.min(ttl, ${CLAIM})
      call('PUBLISH', channel, 'g ' .. first .. ' ' .. grant(first, mode, ttl, tokens, info) .. ' ' .. now .. ' ' .. ttl)
    end
  end
end
local function tell()
  if holder or not watchers or head() then return end
  call('HDEL', more_, 'c')
  for watcher, channel in string.gmatch(watchers, '(%S+) (%S+)') do call('PUBLISH', channel, 'n ' .. watcher) end
  watchers = false
end
local function bury(ms)
  call('ZREMRANGEBYSCORE', tombs, '-inf', now)
  local until_ = text(clock + math.min(ms, ${REMEMBERED}))
  call('ZADD', tombs, until_, token)
  if until_ > buried then buried = until_ end
  call('PEXPIREAT', tombs, buried)
end
local function save(new)
  local crowd = count() > 0 or call('ZCARD', queue) > 0
  if crowd then
    if (new or used) ~= used then call('HSET', more_, 'u', new) end
  elseif used then
    call('HDEL', more_, 'u')
  end
  local until_ = holder and sub(particulars, 1, 13) or now
  if buried > until_ then until_ = buried end
  if fence / 1000 > tonumber(until_) then until_ = text(math.ceil(fence / 1000)) end
  if count() > 0 then
    local last = text(tonumber(call('ZRANGE', holders, -1, -1, 'WITHSCORES')[2]))
    if last > until_ then until_ = last end
  end
  local state = buried .. sub('0000000000000000', #text(fence) + 1) .. text(fence)
  local later = store((crowd or watchers) and '+' or '-', until_, state .. (holder and holder .. particulars or gone or ''))
  if not crowd and not watchers then
    if more then call('DEL', more_) end
    return
  end
  if not later and not added then return end
  for _, key in ipairs({ queue, holders, more_ }) do
    if until_ == '${NEVER}' then call('PERSIST', key) else call('PEXPIREAT', key, text(until_ + ${3 * RETENTION})) end
  end
end
`
