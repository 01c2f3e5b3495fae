import { type Script, script } from '../script.ts'
import { ACQUIRE } from '../scripts/acquire.ts'
import { INSPECT } from '../scripts/inspect.ts'
import { READ, STORE, WORK } from '../scripts/prelude.ts'

/**
 * The scripts of a quorum's node. They are given the node's record (see `votes.ts`) as their last key.
 *
 * A lock is asked for under a token of the attempt's own, and gets the lease's token only with the fencing token that the
 * majority agreed on. So an attempt that failed can be taken back at any time, however late, without touching a later one.
 */
const after = (text: string, more: string): string => {
  const parts = text.split(READ)
  if (parts.length !== 2) throw new Error('a script no longer begins by reading the lock')
  return parts.join(READ + more)
}

/**
 * As `ACQUIRE`, with the lease's token instead of a channel. Also answers `abstains <now>`, `small <now>` for a ttl that the
 * node was not told of, and `own <now> <fence>` if the lease's token holds.
 */
export const PROPOSE: Script = script(
  after(
    ACQUIRE,
    `
do
  local record = call('HMGET', KEYS[#KEYS], 'votes', 'ttl')
  if not record[1] then return 'abstains ' .. now end
  local name = ARGV[6]
  if ends and ends > now and sub(v, 44, 65) == name then return 'own ' .. now .. ' ' .. sub(v, 79, 94) end
  local until_ = more and call('ZSCORE', main .. ':h', name)
  local known = until_ and tonumber(until_) > tonumber(now) and call('HGET', main .. ':m', 'h' .. name)
  if known then return 'own ' .. now .. ' ' .. sub(known, 1, 16) end
  if tonumber(ARGV[2]) > tonumber(record[2]) then return 'small ' .. now end
end
`,
  ),
)

/** As `INSPECT`; of a node that abstains, `abstains` and the time. */
export const VIEW: Script = script(
  after(INSPECT, "if not call('HGET', KEYS[#KEYS], 'votes') then return { 'abstains', now } end\n"),
)

const PARTICULARS = `
local function of(one)
  if holder == one then return sub(particulars, 14) end
  if count() > 0 and call('ZSCORE', holders, one) then return call('HGET', more_, 'h' .. one) end
end
`

/**
 * ARGV: the attempt's token, the lease's, the fencing token, how many are reserved, those that this attempt has written so far,
 * and 1 if the answer counts as a vote. Gives the hold the lease's token and the fencing token, and remembers it.
 *
 * Answers `<now> ok`; `<now> low <fence>` if it would have to be higher than that to be higher than all before;
 * `<now> gone` if the attempt does not hold.
 */
export const CONFIRM: Script = script(`#!lua flags=allow-oom
${READ}
${STORE}
${WORK}
${PARTICULARS}
prune()
local name, wanted, votes = ARGV[2], tonumber(ARGV[3]), ARGV[6] == '1'
local tomb = call('ZSCORE', tombs, name)
if tomb and tonumber(tomb) >= clock then return now .. ' gone' end
local from, what = token, of(token)
if not what then
  from, what = name, of(name)
  local has = what and sub(what, 1, 16)
  if has == ARGV[3] then return now .. ' ok' end
  if not has or not string.find(ARGV[5], has, 1, true) then return now .. ' gone' end
end
local record = call('HMGET', KEYS[#KEYS], 'floor', 'fence')
local before = max(fence, tonumber(record[1]) or 0)
if votes and wanted <= before then return now .. ' low ' .. text(before) end
fence = max(fence, wanted + tonumber(ARGV[4]) - 1)
what = text(wanted) .. sub(what, 17)
if holder == from then
  holder, particulars = name, sub(particulars, 1, 13) .. what
else
  enter(name, text(tonumber(call('ZSCORE', holders, from))))
  if from ~= name then leave(from) end
  call('HSET', more_, 'h' .. name, what)
end
if fence > (tonumber(record[2]) or 0) then call('HSET', KEYS[#KEYS], 'fence', text(fence)) end
save()
return now .. ' ok'
`)

/**
 * ARGV: the attempt's token, for how long a late request of it is refused, in milliseconds, the lease's token, and the fencing
 * tokens that the attempt may have given it. Undoes what the attempt did.
 */
export const UNDO: Script = script(`#!lua flags=allow-oom
${READ}
${STORE}
${WORK}
${PARTICULARS}
prune()
bury(ARGV[2])
local function undo(one)
  if holder == one then holder = false else leave(one) end
end
undo(token)
local what = of(ARGV[3])
if what and string.find(ARGV[4], sub(what, 1, 16), 1, true) then undo(ARGV[3]) end
save()
return now .. ' ok'
`)
