import { NEVER, READ, STORE, WAITER_LIFE, WORK } from './prelude.ts'

/**
 * ARGV: token; ttl; the server's time after which nobody waits for the answer; `<kind><reserve> <tokens> <permits> <wait>`,
 * where kind is `x` exclusive, `s` shared or `p` semaphore, reserve the number of fencing tokens less one in three digits
 * (for more than 1,000, kind is in upper case), wait `no`, `queue` or `watch`; owner and metadata; the channel of one that waits.
 *
 * Answers `g <now> <fence> <ttl>`; `b <now> <first in the queue: 1 or 0> <kind> <ends> <fence><since><owner> <metadata>` of
 * one in the way; `m <now> <use>` for another use of the name; `late <now>`, which is no answer: whether the lock is free
 * was not looked at.
 */
export const ACQUIRE: string = `#!lua
${READ}
if now > ARGV[3] or released and sub(v, 52, 65) == sub(token, 9) then return 'late ' .. now end
if sub(v, 15, 27) >= now then
  local until_ = call('ZSCORE', main .. ':t', token)
  if until_ and tonumber(until_) >= tonumber(now) then return 'late ' .. now end
end
${STORE}
if ends and ends > now then
  if sub(v, 44, 65) == token then
    local until_ = string.format('%d', now + ARGV[2])
    if until_ < ends then until_ = ends end
    store(sub(v, 1, 1), until_, sub(v, 15, 65) .. until_ .. sub(v, 79))
    return 'g ' .. now .. ' ' .. sub(v, 79, 94) .. ' ' .. (until_ == '${NEVER}' and 'inf' or until_ - now)
  end
elseif not more and sub(v, 28, 43) < us and sub(ARGV[4], 1, 1) == 'x' and sub(us, 11, 13) < '999' then
  local until_ = string.format('%d', now + ARGV[2])
  local last = time[1] .. string.format('%06d', time[2] + sub(ARGV[4], 2, 4))
  store('-', until_, sub(v, 15, 27) .. last .. token .. until_ .. us .. now .. ARGV[5])
  return 'g ' .. now .. ' ' .. us .. ' ' .. ARGV[2]
end
${WORK}
local kind, tokens, permits, wait = match(string.lower(ARGV[4]), '^(.)%S* (%S+) (%S+) (%S+)$')
local ttl, mode = tonumber(ARGV[2]), kind == 'p' and permits or kind
tokens = tonumber(tokens)
prune()
local until_ = count() > 0 and call('ZSCORE', holders, token)
if until_ then
  until_ = max(tonumber(until_), clock + ttl)
  enter(token, text(until_))
  save()
  local fence_ = sub(call('HGET', more_, 'h' .. token), 1, 16)
  return 'g ' .. now .. ' ' .. fence_ .. ' ' .. (until_ == ${NEVER} and 'inf' or until_ - clock)
end
local wanted = (mode == 'x' or mode == 's') and 'lock' or mode
local present = use()
if present and present ~= wanted then return 'm ' .. now .. ' ' .. present end

local queued = used and call('ZSCORE', queue, token)
local function place()
  local particulars_ = { text(clock + ${WAITER_LIFE}), mode, ARGV[2], tokens, ARGV[6], ARGV[5] }
  call('HSET', more_, 'w' .. token, table.concat(particulars_, ' '))
  added = true
end
if queued then place() end
serve(token, ttl)
if not mine and not queued and not holder and not head() and fits(mode) then mine = grant(token, mode, ttl, tokens, ARGV[5]) end
if mine then
  save(wanted)
  return 'g ' .. now .. ' ' .. mine .. ' ' .. ARGV[2]
end
if wait == 'queue' and not queued then
  call('ZADD', queue, call('HINCRBY', more_, 'n', 1), token)
  place()
elseif wait == 'watch' then
  watchers = watchers or ''
  if not string.find(watchers, token, 1, true) then
    watchers = watchers .. token .. ' ' .. ARGV[6] .. ' '
    call('HSET', more_, 'c', watchers)
    added = true
  end
end
save(wanted)
-- Those before it that have died do not count.
local leads = (queued or wait == 'queue') and head() == token
local answer = 'b ' .. now .. (leads and ' 1 ' or ' 0 ')
if holder then return answer .. 'x ' .. sub(particulars, 1, 13) .. ' ' .. sub(particulars, 14) end
local other = call('ZRANGE', holders, 0, 0, 'WITHSCORES')
return answer .. (kind == 'p' and 'p ' or 's ') .. text(tonumber(other[2])) .. ' ' .. call('HGET', more_, 'h' .. other[1])
`
