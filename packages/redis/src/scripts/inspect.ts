import { READ } from './prelude.ts'

const WAITING = `
local waiting = 0
for _, waiter in ipairs(more and call('ZRANGE', main .. ':q', 0, -1) or {}) do
  local w = call('HGET', main .. ':m', 'w' .. waiter)
  if w and string.match(w, '^%S+') > now then waiting = waiting + 1 end
end
local live = more and call('ZRANGEBYSCORE', main .. ':h', '(' .. now, '+inf', 'WITHSCORES') or {}
`

/**
 * Answers a list: the time, the number of live waiters, the use (`lock`, or a semaphore's permits), and each holder as
 * `<mode> <ends> <fence><since><owner> <metadata>`, an exclusive one with mode `x`, the others with `-`.
 */
export const INSPECT: string = `#!lua flags=no-writes
${READ}
${WAITING}
local found = { now, tostring(waiting), more and call('HGET', main .. ':m', 'u') or '' }
if ends and ends > now then found[#found + 1] = 'x ' .. ends .. ' ' .. sub(v, 79) end
for i = 1, #live, 2 do
  local particulars = call('HGET', main .. ':m', 'h' .. live[i])
  if particulars then found[#found + 1] = '- ' .. string.format('%d', live[i + 1]) .. ' ' .. particulars end
end
return found
`

/** Answers 1 if the lock is held or waited for. */
export const IN_USE: string = `#!lua flags=no-writes
${READ}
${WAITING}
return (ends and ends > now or waiting > 0 or #live > 0) and 1 or 0
`

/** Answers `<now> ok`. */
export const CLOCK: string = `#!lua flags=no-writes
${READ}
return now .. ' ok'
`
