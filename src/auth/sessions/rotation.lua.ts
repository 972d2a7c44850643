import { script } from '../../redis/redis.js';

/**
 * Step of `rotation.ts` as a script on one hash: the copy of a session in Redis. Times are in ms.
 *
 * Arguments:
 * - 1 presented generation, 2 grace, 3 idle limit, 4 lifetime of an unused copy, 5 interval between updates of the row;
 * - 6 age of the end of the uncertainty interval, 7 deadline of the step by the clock of Redis, or an empty string;
 * - after the reply `unknown` the row: 8 `current`, 9 `parent`, 10 `oldestValid`, 11 `oldestRetry`, 12 age of `rotatedAt`, 13 age of
 *   `issuedAt`, 14 time until the absolute limit, 15 account, 16 roles.
 *
 * Replies:
 * - `late` after the deadline;
 * - `unknown` without a copy and a row;
 * - `ended` for a session that has ended or passed a limit;
 * - otherwise the outcome, the generation to issue, the account, the roles and the age of the copy. If the row has to be
 *   updated, `parent`, `oldestValid`, `oldestRetry` and the age of `rotatedAt` follow.
 *
 * `reused` does not end the copy, because the row decides whether the session ends.
 */
export const ROTATE_IN_CACHE = script(`
local key = KEYS[1]
local p, grace, idle, keep, save = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > (tonumber(ARGV[7]) or now) then return {'late'} end

local cached = redis.call('HMGET', key, 'ended',
  'current', 'parent', 'oldest_valid', 'oldest_retry', 'rotated_at', 'issued_at', 'seeded', 'saved', 'expires', 'account', 'roles')
if cached[1] then return {'ended'} end
local current, parent, oldestValid, oldestRetry = tonumber(cached[2]), tonumber(cached[3]), tonumber(cached[4]), tonumber(cached[5])
local rotatedAt, issuedAt, seededAt, savedAt = tonumber(cached[6]), tonumber(cached[7]), tonumber(cached[8]), tonumber(cached[9])
local expiresAt, account, roles = tonumber(cached[10]), cached[11], cached[12]
if not current then
  if not ARGV[8] then return {'unknown'} end
  current, parent, oldestValid, oldestRetry = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
  rotatedAt, issuedAt, expiresAt = now - ARGV[12], now - ARGV[13], now + ARGV[14]
  seededAt, savedAt, account, roles = now, now, ARGV[15], ARGV[16]
  redis.call('HSET', key, 'seeded', now, 'expires', expiresAt, 'account', account, 'roles', roles)
end
if now >= expiresAt or now >= issuedAt + idle then return {'ended'} end

local uncertainUntil = math.max(now - ARGV[6], seededAt)
local oldest, newest = oldestRetry, parent
if uncertainUntil >= rotatedAt then oldest, newest = oldestValid, current - 1 end
local issuedWithin = now - math.max(issuedAt, uncertainUntil) <= grace
local rotatedWithin = now - rotatedAt <= grace
local certain = p == current and now - uncertainUntil > grace

local outcome
if     p > current                                  then outcome = 'rotated'
elseif p == current and rotatedWithin               then outcome = 'reissued'
elseif p == current                                 then outcome = 'rotated'
elseif oldest <= p and p <= newest and issuedWithin then outcome = 'reissued'
elseif oldest <= p and p <= newest                  then outcome = 'recovered'
elseif p >= oldestValid and rotatedWithin           then outcome = 'reissued'
else                                                     outcome = 'reused'
end
if outcome == 'reused' then return {outcome, current, account, roles, now - seededAt} end

if outcome == 'rotated' then
  if not issuedWithin then
    oldestValid, oldestRetry = parent, p
  elseif certain then
    oldestValid, oldestRetry = oldestRetry, p
  else
    oldestRetry = oldestValid
  end
  current, parent, rotatedAt = p + 1, p, now
elseif outcome == 'recovered' then
  current, parent, rotatedAt = current + 1, math.max(parent, p), now
end
issuedAt = now
local due = now - savedAt >= save
if due then savedAt = now end
redis.call('HSET', key, 'current', current, 'parent', parent, 'oldest_valid', oldestValid, 'oldest_retry', oldestRetry,
  'rotated_at', rotatedAt, 'issued_at', issuedAt, 'saved', savedAt)
redis.call('PEXPIRE', key, math.min(keep, expiresAt - now))
if due then return {outcome, current, account, roles, now - seededAt, parent, oldestValid, oldestRetry, now - rotatedAt} end
return {outcome, current, account, roles, now - seededAt}
`);

/** Removes a copy that is older than its row. The next step reads the row again. */
export const EVICT = script(`return redis.call('DEL', KEYS[1])`);

/**
 * Replaces a copy with a tombstone. A process that read the row before the session ended cannot store its copy over a tombstone.
 * Argument: lifetime of the tombstone (ms).
 */
export const TOMBSTONE = script(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', 1)
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
`);
