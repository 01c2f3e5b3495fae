import { READ } from './prelude.ts'

/**
 * Answers a list: the time, the number of live waiters, the use (`lock`, or a semaphore's permits), and each holder as
 * `<mode> <ends> <fence> <since> <owner> <metadata>`, an exclusive one with mode `x`, the others with `-`.
 */
export const INSPECT: string = `#!lua flags=no-writes
${READ}
local waiting = 0
for _, waiter in ipairs(call('ZRANGE', queue, 0, -1)) do
  local w = call('HGET', main, 'w' .. waiter)
  if w and tonumber(match(w, '^%S+')) > now then waiting = waiting + 1 end
end
local found = { write(now), write(waiting), used or '' }
if ends > now then found[#found + 1] = 'x ' .. sub(x, 23) end
local live = call('ZRANGEBYSCORE', holders, '(' .. write(now), '+inf', 'WITHSCORES')
for i = 1, #live, 2 do
  local particulars = call('HGET', main, 'h' .. live[i])
  if particulars then found[#found + 1] = '- ' .. write(tonumber(live[i + 1])) .. ' ' .. particulars end
end
return found
`

/** Answers `<now> ok`. */
export const CLOCK: string = `#!lua flags=no-writes
local time = redis.call('TIME')
return string.format('%.0f', math.floor(time[1] * 1000 + time[2] / 1000)) .. ' ok'
`

/** Answers 1 if the lock is held or waited for. */
export const IN_USE: string = `#!lua flags=no-writes
${READ}
if ends > now or call('ZCOUNT', holders, '(' .. write(now), '+inf') > 0 then return 1 end
for _, waiter in ipairs(call('ZRANGE', queue, 0, -1)) do
  local w = call('HGET', main, 'w' .. waiter)
  if w and tonumber(match(w, '^%S+')) > now then return 1 end
end
return 0
`
