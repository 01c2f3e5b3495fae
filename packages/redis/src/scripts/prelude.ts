/**
 * What the scripts have in common. One lock is four keys in one hash slot:
 *
 * - `KEYS[1]`, the hash: `f` the last fencing token reserved; `x` the exclusive holder, or `!`, the token that was
 *   released last and the number of that request; `u` what else there is: `lock`, or the permits of a semaphore, while the sets below have members,
 *   `watch` while there are only those who asked to be told; `c` their channels and tokens; `n` a counter of arrivals;
 *   `t` until when cancelled tokens have to be looked for; `h<token>` a holder's and `w<token>` a waiter's particulars.
 * - `KEYS[2]`, waiters by arrival; `KEYS[3]`, shared and semaphore holders by the end of their hold; `KEYS[4]`, cancelled
 *   tokens by the time until which they are remembered.
 *
 * All times are the server's, in whole milliseconds. While `u` is not set, a lock is its hash alone: each script answers
 * that usual case first. Numbers above 10^14 are written with `%.0f`: a plain `..` keeps just 14 digits.
 */

/** For how long a name is remembered after its last use, in milliseconds: its tokens then rise over clock steps this large. */
export const RETENTION: number = 600_000
/** For how long a waiter that was granted the lock holds it without a word, at most; and keeps its place in the queue. */
export const CLAIM: number = 2_000
export const WAITER_LIFE: number = 5_000

/** Reads the clock and the hash. The exclusive holder's record is `<token><ends> <fence> <since> <owner> <metadata>`. */
export const READ: string = `
local call, sub, match, floor, max = redis.call, string.sub, string.match, math.floor, math.max
local main, queue, holders, tombs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = call('TIME')
local us = time[1] * 1000000 + time[2]
local now = floor(us / 1000)
local token = ARGV[1]
local v = call('HMGET', main, 'f', 'x', 'u', 't')
local fence, x, used, buried = tonumber(v[1]) or 0, v[2], v[3], tonumber(v[4]) or 0
local released = '!'
if x and sub(x, 1, 1) == '!' then released, x = x, false end
local ends = x and tonumber(match(x, '^%S+', 23)) or 0
local function write(n) return n == math.huge and 'inf' or string.format('%.0f', n) end
local function bury(ms)
  call('ZREMRANGEBYSCORE', tombs, '-inf', now)
  call('ZADD', tombs, now + ms, token)
  buried = max(buried, now + ms)
  call('PEXPIREAT', tombs, buried)
  call('HSET', main, 't', buried)
end
local function last(until_)
  if until_ == math.huge then
    call('PERSIST', main)
  else
    call('PEXPIREAT', main, write(max(now, floor(fence / 1000), buried, until_) + ${RETENTION}))
  end
end
`

/** What happens where there are waiters, or several holders. */
export const WORK: string = `
if x and ends <= now then x = false end
local mine
local function drop(waiter)
  call('ZREM', queue, waiter)
  call('HDEL', main, 'w' .. waiter)
end
local function head()
  while true do
    local first = call('ZRANGE', queue, 0, 0)[1]
    if not first then return nil end
    local w = call('HGET', main, 'w' .. first)
    if w then
      local alive, mode, ttl, tokens, channel, info = match(w, '^(%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
      if tonumber(alive) > now then return first, mode, tonumber(ttl), tonumber(tokens), channel, info end
    end
    drop(first)
  end
end
local function fits(mode)
  if x then return false end
  local count = call('ZCARD', holders)
  if count == 0 then return true end
  if mode == 'x' then return false end
  return mode == 's' or count < tonumber(mode)
end
local function grant(to, mode, ttl, tokens, info)
  local first = max(fence + 1, us)
  fence = first + tokens - 1
  local particulars = write(first) .. ' ' .. write(now) .. ' ' .. info
  if mode == 'x' then
    ends = now + ttl
    x = to .. write(ends) .. ' ' .. particulars
  else
    call('ZADD', holders, now + ttl, to)
    call('HSET', main, 'h' .. to, particulars)
  end
  return first
end
local function prune()
  for _, over in ipairs(call('ZRANGEBYSCORE', holders, '-inf', now)) do call('HDEL', main, 'h' .. over) end
  call('ZREMRANGEBYSCORE', holders, '-inf', now)
end
local function kind()
  if x then return 'lock' end
  if call('ZCARD', holders) > 0 or head() then return used end
end
-- Grants to the queue in its order, as far as the modes allow. The caller, if it is served, hears it by the reply.
local function serve(caller, whole)
  while true do
    local first, mode, ttl, tokens, channel, info = head()
    if not first or not fits(mode) then return end
    drop(first)
    if first == caller then
      mine = grant(first, mode, whole, tokens, info)
    else
      ttl = math.min(ttl, ${CLAIM})
      local granted = grant(first, mode, ttl, tokens, info)
      call('PUBLISH', channel, 'g ' .. first .. ' ' .. write(granted) .. ' ' .. now .. ' ' .. ttl)
    end
  end
end
local function tell()
  if x then return end
  local watchers = call('HGET', main, 'c')
  if not watchers or head() then return end
  call('HDEL', main, 'c')
  for channel, watcher in string.gmatch(watchers, '(%S+) (%S+)') do call('PUBLISH', channel, 'n ' .. watcher) end
end
local function save(use)
  local waiting, holding = call('ZCARD', queue), call('ZCARD', holders)
  local new
  if waiting + holding > 0 then
    new = use or used
  elseif call('HEXISTS', main, 'c') == 1 then
    new = 'watch'
  end
  call('HSET', main, 'f', write(fence), 'x', x or released)
  if new then call('HSET', main, 'u', new) elseif used then call('HDEL', main, 'u') end
  local until_ = x and ends or 0
  if holding > 0 then until_ = max(until_, tonumber(call('ZRANGE', holders, -1, -1, 'WITHSCORES')[2])) end
  last(until_)
  local expire = call('PEXPIRETIME', main)
  for _, key in ipairs({ queue, holders }) do
    if expire > 0 then call('PEXPIREAT', key, expire) else call('PERSIST', key) end
  end
end
`
