import { READ, WORK } from './prelude.ts'

/** Takes `token` off the holders. True if it held until now. */
const LEAVE = `
local nonce = ARGV[3]
local held = false
if x and sub(x, 1, 22) == token then
  held = true
  x, released = false, '!' .. token .. nonce
elseif call('ZSCORE', holders, token) then
  held = true
  released = '!' .. token .. nonce
  call('ZREM', holders, token)
  call('HDEL', main, 'h' .. token)
end
`

/**
 * ARGV: token, and for how long a late acquire of it is refused, in milliseconds, and a number
 * of this request. Answers `<now> 1` if it held until now, `0` if it didn't; the same again if a client sends the request
 * twice.
 */
export const RELEASE: string = `#!lua flags=allow-oom
${READ}
local doubt = tonumber(ARGV[2])
if not used and doubt == 0 then
  if released == '!' .. token .. ARGV[3] then return now .. ' 1' end
  if not x or sub(x, 1, 22) ~= token then return now .. ' 0' end
  call('HSET', main, 'x', '!' .. token .. ARGV[3])
  if ends == math.huge then last(now) end
  return now .. (ends > now and ' 1' or ' 0')
end
${WORK}
prune()
if doubt > 0 then bury(doubt) end
local again = released == '!' .. token .. ARGV[3]
${LEAVE}
serve()
tell()
save()
return now .. ((held or again) and ' 1' or ' 0')
`

/**
 * ARGV: token, for how long a late acquire of it is refused, in milliseconds, and a number of this request. Undoes what an acquire of it did: a hold, a
 * place in the queue.
 */
export const CANCEL: string = `#!lua flags=allow-oom
${READ}
bury(tonumber(ARGV[2]))
${WORK}
prune()
${LEAVE}
drop(token)
serve()
tell()
save()
return now .. ' 1'
`

/** ARGV: anything, and the time after which nothing is done any more. Ends all holds. Answers as `RELEASE`. */
export const FORCE_RELEASE: string = `#!lua flags=allow-oom
${READ}
if now > tonumber(ARGV[2]) then return 'late ' .. now end
${WORK}
prune()
local held = x or call('ZCARD', holders) > 0
x = false
for _, holder in ipairs(call('ZRANGE', holders, 0, -1)) do call('HDEL', main, 'h' .. holder) end
call('DEL', holders)
serve()
tell()
save()
return now .. (held and ' 1' or ' 0')
`
