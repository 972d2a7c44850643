import type { RateLimit } from '../../rate-limits/counters.js';
import type { Tiers } from './windows.js';

/*
 * Limits of password attempts. An attempt without success counts for every row; a success resets the first row, and
 * takes its attempt back from the others except the second. SECURITY.md defines client, site and known client.
 *
 * | waits                                        | counted                                  | limit                   | wait                                    |
 * |----------------------------------------------|------------------------------------------|-------------------------|-----------------------------------------|
 * | a client at one account; a logged-in user    | failures in a row within an hour         | PAIR_BACKOFF            | 1 s, doubled by each failure, to 15 min |
 * | a client at one account; a logged-in user    | all attempts                             | ATTEMPTS_OF_PAIR        | until the hour is over                  |
 * | each unknown client, at one account          | failures of all clients at this account  | UNKNOWN_CLIENT_BACKOFF  | at most 10 s before each attempt        |
 * | the unknown clients of a site, at one account| attempts of the row above                | SLOTS_OF_SITE           | one wait for all of them                |
 * | an unknown client, at every account          | its failures at all accounts             | WRONG_FROM_CLIENT       | until the window is over                |
 * | the unknown clients of a site, everywhere    | failures of the site at all accounts     | WRONG_FROM_SITE         | until the window is over                |
 */

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** Exponential backoff: the attempts without a wait, and the longest wait. */
export interface BackoffPolicy {
  readonly free: number;
  readonly maxS: number;
}

export const PAIR_BACKOFF: BackoffPolicy = { free: 10, maxS: 900 };

/** Includes successes, because each costs a hash, a session and its audit events. */
export const ATTEMPTS_OF_PAIR: RateLimit = { points: 60, duration: HOUR };

export const UNKNOWN_CLIENT_BACKOFF: BackoffPolicy = { free: 100, maxS: 10 };

/** A /48 of IPv6 has 65,536 clients. Beyond this limit they share one wait. */
export const SLOTS_OF_SITE: RateLimit = { points: 100, duration: HOUR };

/** Far more than the users behind one address mistype. The first window is short, because its other unknown users wait as well. */
export const WRONG_FROM_CLIENT: Tiers = [
  { points: 300, duration: MINUTE },
  { points: 1_000, duration: HOUR },
  { points: 5_000, duration: DAY },
];

/** Three times the limits of a client, so that one client cannot use up those of its site. */
export const WRONG_FROM_SITE: Tiers = WRONG_FROM_CLIENT.map(({ points, duration }) => ({
  points: 3 * points,
  duration,
}));

/** Returns the seconds to wait after the n-th attempt without success. */
export function backoffAfter(attempts: number, { free, maxS }: BackoffPolicy): number {
  return attempts <= free ? 0 : Math.min(2 ** Math.min(attempts - free - 1, 30), maxS);
}

/** Input of {@link decideUnknownClient}. */
interface UnknownClientContext {
  /** Time until the used-up windows of the client and its site are over; undefined if none is used up. */
  readonly msUntilWindowEnds: number | undefined;
  /** Attempts without success at the account within the hour, of all clients. */
  readonly attemptsAtAccount: number;
  readonly policy: BackoffPolicy;
}

/**
 * Decision about an attempt of an unknown client.
 * - `allow`: no wait.
 * - `refuse`: until the window is over.
 * - `queue`: the client waits for a slot of its own (`FairSlots`).
 */
type UnknownClientDecision =
  | { readonly act: 'allow' }
  | { readonly act: 'refuse'; readonly msBeforeNext: number }
  | { readonly act: 'queue'; readonly seconds: number };

/** Decides if an attempt has to wait because of the failures of others. It does not hold for known clients. */
export function decideUnknownClient({
  msUntilWindowEnds,
  attemptsAtAccount,
  policy,
}: UnknownClientContext): UnknownClientDecision {
  if (msUntilWindowEnds !== undefined) return { act: 'refuse', msBeforeNext: msUntilWindowEnds };
  const seconds = backoffAfter(attemptsAtAccount, policy);
  return seconds === 0 ? { act: 'allow' } : { act: 'queue', seconds };
}
