import { script } from '../../redis/redis.js';

/**
 * The step of `rotation.ts` as a script on one hash: the copy of a session that Redis keeps. Arguments: the presented
 * generation, the grace, the idle limit, how long an unused copy is kept, how often the row is brought up to date, how
 * long ago the doubt ends (all ms), and until when by Redis' clock the step may be taken, or nothing; then, after `unknown`,
 * the row: current, parent, floor, late, ms since it moved, ms since it was handed out, ms until its absolute limit, account,
 * roles.
 *
 * Answers `late`, `unknown` where there is no copy and no row came along, `ended`, or the answer of the step with the generation to hand out,
 * account, roles, the copy's age in ms, and, when the row has to be brought up to date, what belongs in it. On `reused`
 * nothing changes yet: that the session ends is for the row to say.
 */
export const PRESENT_HOT = script(`
local key = KEYS[1]
local p, grace, idle, keep, save = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > (tonumber(ARGV[7]) or now) then return {'late'} end

local hot = redis.call('HMGET', key, 'ended',
  'current', 'parent', 'floor', 'late', 'moved', 'handed', 'seeded', 'saved', 'expires', 'account', 'roles')
if hot[1] then return {'ended'} end
local current, parent, floor, late = tonumber(hot[2]), tonumber(hot[3]), tonumber(hot[4]), tonumber(hot[5])
local movedAt, handedAt, seededAt, savedAt = tonumber(hot[6]), tonumber(hot[7]), tonumber(hot[8]), tonumber(hot[9])
local expiresAt, account, roles = tonumber(hot[10]), hot[11], hot[12]
if not current then
  if not ARGV[8] then return {'unknown'} end
  current, parent, floor, late = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
  movedAt, handedAt, expiresAt = now - ARGV[12], now - ARGV[13], now + ARGV[14]
  seededAt, savedAt, account, roles = now, now, ARGV[15], ARGV[16]
  redis.call('HSET', key, 'seeded', now, 'expires', expiresAt, 'account', account, 'roles', roles)
end
if now >= expiresAt or now >= handedAt + idle then return {'ended'} end

local doubt = math.max(now - ARGV[6], seededAt)
local oldest, newest = late, parent
if doubt >= movedAt then oldest, newest = floor, current - 1 end
local handedWithin = now - math.max(handedAt, doubt) <= grace
local movedWithin = now - movedAt <= grace
local certain = p == current and now - doubt > grace

local answer
if     p > current                                     then answer = 'rotated'
elseif p == current and movedWithin                    then answer = 'replayed'
elseif p == current                                    then answer = 'rotated'
elseif oldest <= p and p <= newest and handedWithin    then answer = 'replayed'
elseif oldest <= p and p <= newest                     then answer = 'recovered'
elseif p >= floor and movedWithin                      then answer = 'replayed'
else                                                        answer = 'reused'
end
if answer == 'reused' then return {answer, current, account, roles, now - seededAt} end

if answer == 'rotated' then
  if not handedWithin then
    floor, late = parent, p
  elseif certain then
    floor, late = late, p
  else
    late = floor
  end
  current, parent, movedAt = p + 1, p, now
elseif answer == 'recovered' then
  current, parent, movedAt = current + 1, math.max(parent, p), now
end
handedAt = now
local due = now - savedAt >= save
if due then savedAt = now end
redis.call('HSET', key, 'current', current, 'parent', parent, 'floor', floor, 'late', late,
  'moved', movedAt, 'handed', handedAt, 'saved', savedAt)
redis.call('PEXPIRE', key, math.min(keep, expiresAt - now))
if due then return {answer, current, account, roles, now - seededAt, parent, floor, late, now - movedAt} end
return {answer, current, account, roles, now - seededAt}
`);

/** Forgets a copy that knows less than the row; the next step brings the row along. */
export const DROP = script(`return redis.call('DEL', KEYS[1])`);

/** Marks a session as ended, so that whoever read its row a moment earlier does not bring it back. Argument: for how many ms. */
export const BURY = script(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', 1)
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
`);
