import { NEVER, READ, STORE, WORK } from './prelude.ts'

/** Takes `token` off the holders. True if it held until now. */
const LEAVE = `
local held = holder == token
if held then holder = false else held = leave(token) end
if held then gone = ARGV[2] .. sub(token, 9) end
`

/**
 * ARGV: token; `!` and seven characters that tell this request from others; if an acquire of the token may still be on its
 * way, for how long it is refused, in milliseconds. Answers `<now> 1` if it held until now, `0` if it didn't; the same again
 * if a client sends the very request twice.
 */
export const RELEASE: string = `#!lua flags=allow-oom
${READ}
if not more and not ARGV[3] and ends ~= '${NEVER}' then
  if sub(v, 44, 65) == token then
    call('SETRANGE', main, 43, ARGV[2])
    return now .. (ends > now and ' 1' or ' 0')
  end
  return now .. (sub(v, 44, 51) == ARGV[2] and sub(v, 52, 65) == sub(token, 9) and ' 1' or ' 0')
end
${STORE}
${WORK}
prune()
if ARGV[3] then bury(ARGV[3]) end
local again = gone == ARGV[2] .. sub(token, 9)
${LEAVE}
serve()
tell()
save()
return now .. ((held or again) and ' 1' or ' 0')
`

/** ARGV as for `RELEASE`, all three. Undoes what an acquire of the token did: a hold, a place in the queue, a wish to be told. */
export const CANCEL: string = `#!lua flags=allow-oom
${READ}
${STORE}
${WORK}
prune()
bury(ARGV[3])
${LEAVE}
drop(token)
local at = watchers and string.find(watchers, token, 1, true)
if at then
  local others = sub(watchers, 1, at - 1) .. match(sub(watchers, at), '^%S+ %S+ (.*)$')
  watchers = others ~= '' and others
  if watchers then call('HSET', more_, 'c', others) else call('HDEL', more_, 'c') end
end
serve()
tell()
save()
return now .. ' 1'
`

/**
 * ARGV: a name for this request; the time after which nothing is done any more; for how long a second copy of the request does
 * nothing, in milliseconds. Ends all holds. Answers as `RELEASE`.
 */
export const FORCE_RELEASE: string = `#!lua flags=allow-oom
${READ}
if now > ARGV[2] then return 'late ' .. now end
${STORE}
${WORK}
prune()
for answer = 0, 1 do
  if call('ZSCORE', tombs, token .. answer) then return now .. ' ' .. answer end
end
local held = holder or count() > 0
holder = false
token = token .. (held and 1 or 0)
bury(ARGV[3])
if count() > 0 then
  for _, other in ipairs(call('ZRANGE', holders, 0, -1)) do leave(other) end
end
serve()
tell()
save()
return now .. (held and ' 1' or ' 0')
`
