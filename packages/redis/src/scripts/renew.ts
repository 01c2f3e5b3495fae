import { NEVER, READ, STORE, WORK } from './prelude.ts'

/**
 * ARGV: token, ttl (`inf`: without end), the token that takes its place or an empty string, and for how long, in
 * milliseconds, a late acquire of the old one is refused then. Answers `<now> <ttl>`, or `<now> lost`.
 */
export const RENEW: string = `#!lua flags=allow-oom
${READ}
${STORE}
local until_ = ARGV[2] == 'inf' and '${NEVER}' or string.format('%d', now + ARGV[2])
if ends and ends > now and sub(v, 44, 65) == token and ARGV[3] == '' then
  if until_ < ends then until_ = ends end
  store(sub(v, 1, 1), until_, sub(v, 15, 65) .. until_ .. sub(v, 79))
  return now .. ' ' .. (until_ == '${NEVER}' and 'inf' or until_ - now)
end
if not more and ARGV[3] == '' then return now .. ' lost' end
${WORK}
prune()
local successor = ARGV[3] == '' and token or ARGV[3]
local function holds(one) return holder == one or count() > 0 and call('ZSCORE', holders, one) end
local present = holds(successor) and successor or holds(token) and token
if not present then return now .. ' lost' end
if present == holder then
  if until_ < sub(particulars, 1, 13) then until_ = sub(particulars, 1, 13) end
  holder, particulars = successor, until_ .. sub(particulars, 14)
else
  local before = text(tonumber(call('ZSCORE', holders, present)))
  if until_ < before then until_ = before end
  enter(successor, until_)
  if present ~= successor then
    call('HSET', more_, 'h' .. successor, call('HGET', more_, 'h' .. present))
    leave(present)
  end
end
if present ~= successor then bury(ARGV[4]) end
save()
return now .. ' ' .. (until_ == '${NEVER}' and 'inf' or until_ - now)
`
