import { READ, WAITER_LIFE, WORK } from './prelude.ts'

/**
 * ARGV: token, ttl, notAfter, tokens, mode (`x` exclusive, `s` shared, else the permits), wait (`no`, `queue`, `watch`),
 * channel, `<owner> <metadata>`.
 *
 * Answers `g <now> <fence> <ttl>`; `b <now> <first in the queue: 1 or 0> <mode> <ends> <fence> <since> <owner>
 * <metadata>` of one in the way; `m <now> <use>` for another use of the name; `late <now>`, which is no answer: whether
 * the lock is free was not looked at.
 */
export const ACQUIRE: string = `#!lua
${READ}
local ttl, tokens, mode, wait, channel, info = tonumber(ARGV[2]), tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if now > tonumber(ARGV[3]) or sub(released, 2, 23) == token then return 'late ' .. now end
if buried >= now then
  local until_ = call('ZSCORE', tombs, token)
  if until_ and tonumber(until_) >= now then return 'late ' .. now end
end
local function granted(first, ends_) return 'g ' .. now .. ' ' .. write(first) .. ' ' .. write(ends_ - now) end
if ends > now and sub(x, 1, 22) == token then
  local first, rest = match(x, '^%S+ (%S+)(.*)$', 23)
  ends = max(ends, now + ttl)
  call('HSET', main, 'x', token .. write(ends) .. ' ' .. first .. rest)
  last(ends)
  return 'g ' .. now .. ' ' .. first .. ' ' .. write(ends - now)
end
if mode == 'x' and ends <= now and not used then
  local first = max(fence + 1, us)
  fence = first + tokens - 1
  ends = now + ttl
  call('HSET', main, 'f', write(fence), 'x', token .. write(ends) .. ' ' .. write(first) .. ' ' .. now .. ' ' .. info)
  last(ends)
  return granted(first, ends)
end
${WORK}
prune()
local until_ = call('ZSCORE', holders, token)
if until_ then
  until_ = max(tonumber(until_), now + ttl)
  call('ZADD', holders, write(until_), token)
  save()
  return granted(tonumber(match(call('HGET', main, 'h' .. token), '^%S+')), until_)
end
local use = mode == 'x' and 'lock' or mode == 's' and 'lock' or mode
local present = kind()
if present and present ~= use then return 'm ' .. now .. ' ' .. present end

local queued = call('ZSCORE', queue, token)
local function place() 
  call('HSET', main, 'w' .. token, table.concat({ now + ${WAITER_LIFE}, mode, ARGV[2], tokens, channel, info }, ' '))
end
if queued then place() end
serve(token, ttl)
if not mine and not queued and not head() and fits(mode) then mine = grant(token, mode, ttl, tokens, info) end
if mine then
  save(use)
  return granted(mine, now + ttl)
end
if wait == 'queue' and not queued then
  call('ZADD', queue, call('HINCRBY', main, 'n', 1), token)
  place()
elseif wait == 'watch' then
  local watchers = call('HGET', main, 'c') or ''
  if not string.find(watchers, token, 1, true) then call('HSET', main, 'c', watchers .. channel .. ' ' .. token .. ' ') end
end
save(use)
local first = call('ZRANK', queue, token) == 0 and 1 or 0
if x then return 'b ' .. now .. ' ' .. first .. ' x ' .. sub(x, 23) end
local holder = call('ZRANGE', holders, 0, 0, 'WITHSCORES')
return 'b ' .. now .. ' ' .. first .. ' ' .. mode .. ' ' .. write(tonumber(holder[2])) .. ' ' .. call('HGET', main, 'h' .. holder[1])
`
