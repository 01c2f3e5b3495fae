import { type Script, script } from '../script.ts'

/**
 * A node's record of itself, a hash among its data, so that it is lost with them:
 *
 * - `id`: given when it was found without a record; `born`: when that was;
 * - `votes`: there if it takes part; until then it abstains: it grants nothing;
 * - `ttl`: no hold that it took part in lasts longer, in milliseconds;
 * - `fence`: no fencing token that it took part in is higher;
 * - `floor`: what `fence` was when it began to take part: what it had forgotten is not higher.
 */
const RECORD = `
local call = redis.call
local record = KEYS[#KEYS]
local time = call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local function larger(field, value)
  if tonumber(value) > (tonumber(call('HGET', record, field)) or -1) then call('HSET', record, field, value) end
end
`

/** ARGV: an id for the case that it has none. Answers `<now> <id> <votes: 1 or 0> <age> <ttl, or -> <fence>`. */
export const LOOK: Script = script(`#!lua flags=allow-oom
${RECORD}
if call('HSETNX', record, 'id', ARGV[1]) == 1 then call('HSET', record, 'born', now) end
local has = call('HMGET', record, 'id', 'votes', 'born', 'ttl', 'fence')
local age = string.format('%.0f', now - (has[3] or now))
return table.concat({ now, has[1], has[2] or '0', age, has[4] or '-', has[5] or '0' }, ' ')
`)

/** ARGV: its id, a ttl, a fencing token, and 1 if it is to take part from now on. Answers `<now> ok`, or `<now> other`. */
export const JOIN: Script = script(`#!lua flags=allow-oom
${RECORD}
if call('HGET', record, 'id') ~= ARGV[1] then return now .. ' other' end
if call('HGET', record, 'votes') then return now .. ' ok' end
larger('ttl', ARGV[2])
larger('fence', ARGV[3])
if ARGV[4] == '1' then call('HSET', record, 'votes', '1', 'floor', call('HGET', record, 'fence')) end
return now .. ' ok'
`)

/** ARGV: a ttl that is going to be used. Answers `<now> ok`, or `<now> abstains`. */
export const RAISE: Script = script(`#!lua flags=allow-oom
${RECORD}
if not call('HGET', record, 'votes') then return now .. ' abstains' end
larger('ttl', ARGV[1])
return now .. ' ok'
`)
