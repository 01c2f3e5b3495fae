import { READ } from './prelude.ts'

/**
 * ARGV: token, ttl (`inf`: without end), the token that takes its place or an empty string, and for how long a late
 * acquire of the old one is refused then. Answers `<now> <ttl>`, or `<now> lost`.
 */
export const RENEW: string = `#!lua flags=allow-oom
${READ}
local ttl, successor = tonumber(ARGV[2]), ARGV[3]
local new = successor == '' and token or successor
local holder = token
if new ~= token then
  if x and sub(x, 1, 22) == new or call('ZSCORE', holders, new) then holder = new end
end
if x and sub(x, 1, 22) == holder then
  if ends <= now then return now .. ' lost' end
  ends = max(ends, now + ttl)
  call('HSET', main, 'x', new .. write(ends) .. match(x, '^%S+(.*)$', 23))
  last(ends)
else
  local until_ = used and tonumber(call('ZSCORE', holders, holder) or 0) or 0
  if until_ <= now then return now .. ' lost' end
  ends = max(until_, now + ttl)
  if holder ~= new then
    call('ZREM', holders, holder)
    call('HSET', main, 'h' .. new, call('HGET', main, 'h' .. holder))
    call('HDEL', main, 'h' .. holder)
  end
  call('ZADD', holders, write(ends), new)
  last(tonumber(call('ZRANGE', holders, -1, -1, 'WITHSCORES')[2]))
  local expire = call('PEXPIRETIME', main)
  for _, key in ipairs({ queue, holders }) do
    if expire > 0 then call('PEXPIREAT', key, expire) else call('PERSIST', key) end
  end
end
if holder ~= new then bury(tonumber(ARGV[4])) end
return now .. ' ' .. write(ends - now)
`
