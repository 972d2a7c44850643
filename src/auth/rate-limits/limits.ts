import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import { Config } from '../../config/config.js';
import { problemOf } from '../../problems/problem.filter.js';
import { clientOf, siteOf } from '../../rate-limits/client-address.js';
import {
  countersIn,
  scaledBy,
  consume,
  tooManyAttempts,
  type MakeCounter,
} from '../../rate-limits/counters.js';
import { Redis } from '../../redis/redis.js';
import { KnownClients } from './known-clients.js';
import { Windows, type Tiers } from './windows.js';

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** Limits of requests to a route, for each client or site (`per`). */
export const ROUTES = {
  register: { points: 400, duration: HOUR, per: siteOf },
  'ask for a mail': { points: 400, duration: HOUR, per: siteOf },
  'use a mailed token': { points: 100, duration: 10 * MINUTE, per: clientOf },
} as const;
export type RateLimitedRoute = keyof typeof ROUTES;

/**
 * Different addresses that one site may register or have mails sent to. Thousands of people may share it (CGNAT, a mobile
 * carrier's /48); it can use up a fifth of the mails to addresses that nobody has verified (`MailThrottle`).
 */
const RECIPIENTS_OF_SITE = { points: 200, duration: HOUR };

/**
 * Wrong credentials from one client, whomever they are for: far more than an office behind one address mistypes. Until the
 * window ends everybody there has to wait who has not logged in from there before, so that the first window is short.
 */
const WRONG_FROM_CLIENT: Tiers = [
  { points: 300, duration: MINUTE },
  { points: 1_000, duration: HOUR },
  { points: 5_000, duration: DAY },
];
/** The same for a /48 of IPv6, which has 65,536 clients. Several, so that one client cannot use up those of its site. */
const WRONG_FROM_SITE: Tiers = WRONG_FROM_CLIENT.map(({ points, duration }) => ({
  points: 3 * points,
  duration,
}));

/**
 * Callbacks of one client that a provider refused, such as for a code that it did not give: each costs an outgoing call. Further
 * ones are slower rather than refused, since thousands of people may share an address.
 */
const REFUSED_FROM_CLIENT = { points: 100, duration: 10 * MINUTE };
const REFUSED_FROM_SITE = { points: 300, duration: 10 * MINUTE };

/** After so many attempts without success each further one makes the next wait longer, up to so many seconds. */
interface BackoffPolicy {
  readonly free: number;
  readonly maxS: number;
}
/** One client at one account; and a person who is logged in, at their own. */
const PAIR_BACKOFF: BackoffPolicy = { free: 10, maxS: 900 };
/** Everyone together at one account: from then on each client that is new to the account waits before each attempt. */
const UNKNOWN_CLIENT_BACKOFF: BackoffPolicy = { free: 100, maxS: 10 };
/**
 * Attempts of one client at one account, or of a person who is logged in at their own, right or wrong: a right password
 * costs a hash, and a log-in also a session and its audit events.
 */
const ATTEMPTS_OF_PAIR = { points: 60, duration: HOUR };
/** How long (s) a turn is kept for who waited for it. */
const SLOT_LIFETIME_S = 10 * MINUTE;
/** A site whose clients took so many turns at one account is one client there: a /48 has 65,536 of them. */
const SLOTS_OF_SITE = { points: 100, duration: HOUR };

/** How long (s) the attempt after the n-th has to wait. */
export function backoffAfter(attempts: number, { free, maxS }: BackoffPolicy): number {
  return attempts <= free ? 0 : Math.min(2 ** Math.min(attempts - free - 1, 30), maxS);
}

/** A comparison of credentials that is allowed, and counted as a wrong one until it succeeds. */
export class PasswordAttempt {
  constructor(
    private readonly succeeded: () => Promise<void>,
    private readonly withdrawn: () => Promise<void>,
  ) {}

  /**
   * Runs the comparison, which throws where the credentials are wrong. One that an outage prevents
   * (`temporarily_unavailable`) is not counted.
   */
  async judge<T>(compare: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await compare();
    } catch (error) {
      if (problemOf(error).code === 'temporarily_unavailable') await this.withdrawn();
      throw error;
    }
    await this.succeeded();
    return result;
  }
}

/** Counts attempts without success, and spaces them. */
class Backoff {
  private readonly counted: RateLimiterAbstract;
  private readonly pausing: RateLimiterAbstract;

  constructor(
    private readonly policy: BackoffPolicy,
    make: MakeCounter,
    name: string,
  ) {
    this.counted = make(`${name}:count`, { points: policy.free, duration: HOUR });
    this.pausing = make(`${name}:pause`, { points: 1, duration: policy.maxS });
  }

  /** Whether an attempt would be allowed now. It costs nothing. */
  async check(key: string): Promise<void> {
    refuseWhile(await this.pausing.get(key));
  }

  /** An attempt that is made. Of several at once only one gets through, and the others are not counted. */
  async attempt(key: string): Promise<void> {
    const { consumedPoints } = await this.counted.penalty(key);
    const seconds = backoffAfter(consumedPoints, this.policy);
    if (seconds === 0) return;
    try {
      await consume(this.pausing, key, { customDuration: seconds });
    } catch (error) {
      await this.counted.reward(key);
      throw error;
    }
  }

  /** Takes back the last {@link attempt}. */
  async withdrawn(key: string): Promise<void> {
    await this.counted.reward(key);
    await this.pausing.delete(key);
  }

  async succeeded(key: string): Promise<void> {
    await this.counted.delete(key);
    await this.pausing.delete(key);
  }
}

/**
 * A wait that is each client's own: who has waited gets one attempt, whatever others do meanwhile. With one slot for all,
 * whoever asks most often would have every one of them.
 */
class FairSlots {
  private readonly waiting: RateLimiterAbstract;
  private readonly turns: RateLimiterAbstract;

  constructor(make: MakeCounter) {
    this.waiting = make('turn:wait', { points: 1, duration: UNKNOWN_CLIENT_BACKOFF.maxS });
    this.turns = make('turn:kept', { points: 1, duration: SLOT_LIFETIME_S });
  }

  async take(key: string, seconds: number): Promise<void> {
    refuseWhile(await this.waiting.get(key));
    if (await this.turns.delete(key)) return;
    await consume(this.waiting, key, { customDuration: seconds });
    await this.turns.set(key, 1, SLOT_LIFETIME_S);
    throw tooManyAttempts({ msBeforeNext: seconds * 1000 });
  }
}

/** How often what may be done: counted in Redis, or in this process where there is none or it is away. */
@Injectable()
export class LoginRateLimits {
  private readonly routes: ReadonlyMap<RateLimitedRoute, RateLimiterAbstract>;
  private readonly recipients: RateLimiterAbstract;
  private readonly recipientsOfSite: RateLimiterAbstract;
  private readonly wrongFromClient: Windows;
  private readonly wrongFromSite: Windows;
  private readonly refusedFromClient: Windows;
  private readonly refusedFromSite: Windows;
  private readonly pairBackoff: Backoff;
  private readonly attemptsOfPair: RateLimiterAbstract;
  private readonly attemptsOfAccount: RateLimiterAbstract;
  private readonly unknownClientPolicy: BackoffPolicy;
  private readonly fairSlots: FairSlots;
  private readonly slotsOfSite: RateLimiterAbstract;

  constructor(
    { rateLimitFactor }: Config,
    private readonly knownClients: KnownClients,
    redis: Redis,
  ) {
    const make = countersIn(redis);
    const scaled: MakeCounter = (name, limit) => make(name, scaledBy(rateLimitFactor, limit));
    const patient = ({ free, maxS }: BackoffPolicy): BackoffPolicy => ({
      free: Math.max(1, Math.round(free * rateLimitFactor)),
      maxS,
    });
    this.routes = new Map(
      (Object.keys(ROUTES) as RateLimitedRoute[]).map((route) => [
        route,
        scaled(`route:${route.replaceAll(' ', '-')}`, ROUTES[route]),
      ]),
    );
    const windows = (name: string, tiers: Tiers) =>
      new Windows(tiers.map((tier) => scaled(`${name}:${tier.duration}`, tier)));
    this.recipients = make('recipient', { points: 1, duration: RECIPIENTS_OF_SITE.duration });
    this.recipientsOfSite = scaled('recipients', RECIPIENTS_OF_SITE);
    this.wrongFromClient = windows('wrong', WRONG_FROM_CLIENT);
    this.wrongFromSite = windows('wrong-site', WRONG_FROM_SITE);
    this.refusedFromClient = windows('refused', [REFUSED_FROM_CLIENT]);
    this.refusedFromSite = windows('refused-site', [REFUSED_FROM_SITE]);
    this.pairBackoff = new Backoff(patient(PAIR_BACKOFF), make, 'one');
    this.attemptsOfPair = scaled('attempts', ATTEMPTS_OF_PAIR);
    this.unknownClientPolicy = patient(UNKNOWN_CLIENT_BACKOFF);
    this.attemptsOfAccount = make('everyone', { points: this.unknownClientPolicy.free, duration: HOUR });
    this.fairSlots = new FairSlots(make);
    this.slotsOfSite = scaled('turn:network', SLOTS_OF_SITE);
  }

  /**
   * One more request of a client to a route.
   * @throws {Problem} `too_many_attempts`.
   */
  async hit(route: RateLimitedRoute, address: string): Promise<void> {
    const limiter = this.routes.get(route);
    if (limiter !== undefined) await consume(limiter, ROUTES[route].per(address));
  }

  /**
   * Before a site (`address`) registers an e-mail address or has a mail sent to it; the same for addresses that nobody has.
   * Repetitions for one e-mail address count once an hour, and the limit does not hold for known clients of its account.
   * @throws {Problem} `too_many_attempts`.
   */
  async hitRecipient(email: string, address: string): Promise<void> {
    const site = siteOf(address);
    const key = `${site}:${hashed(email)}`;
    if ((await this.recipients.get(key)) !== null) return;
    try {
      await consume(this.recipientsOfSite, site);
    } catch (error) {
      if (await this.knownClients.has(email, clientOf(address))) return;
      throw error;
    }
    await this.recipients.set(key, 1, RECIPIENTS_OF_SITE.duration);
  }

  /** Counts a callback that a provider refused. */
  async callbackRefused(address: string): Promise<void> {
    await Promise.all([
      this.refusedFromClient.penalty(clientOf(address)),
      this.refusedFromSite.penalty(siteOf(address)),
    ]);
  }

  /** True where providers refused many callbacks of a client or its site. */
  async hasManyRefused(address: string): Promise<boolean> {
    const windows = await Promise.all([
      this.refusedFromClient.exhausted(clientOf(address)),
      this.refusedFromSite.exhausted(siteOf(address)),
    ]);
    return windows.some((window) => window !== undefined);
  }

  /**
   * Before an address and a password are compared; the same for addresses that nobody has. Only what is compared is
   * counted, so that asking too early costs nothing.
   * @throws {Problem} `too_many_attempts`.
   */
  async beginLogin(email: string, address: string): Promise<PasswordAttempt> {
    const [client, site, account] = [clientOf(address), siteOf(address), hashed(email)];
    const pair = `${account}:${client}`;
    await this.pairBackoff.check(pair);
    await this.checkUnknownClient(email, address);
    await this.countAttempt(pair);
    await this.attemptsOfAccount.penalty(account);
    await Promise.all([this.wrongFromClient.penalty(client), this.wrongFromSite.penalty(site)]);
    const reward = async (): Promise<void> => {
      await this.attemptsOfAccount.reward(account);
      await Promise.all([this.wrongFromClient.reward(client), this.wrongFromSite.reward(site)]);
    };
    return new PasswordAttempt(
      async () => {
        await this.pairBackoff.succeeded(pair);
        await reward();
      },
      async () => {
        await this.uncountAttempt(pair);
        await reward();
      },
    );
  }

  /** What others did makes nobody wait who comes from where the account has logged in before. */
  private async checkUnknownClient(email: string, address: string): Promise<void> {
    const [client, site, account] = [clientOf(address), siteOf(address), hashed(email)];
    const [wrongThere, wrongAtSite] = await Promise.all([
      this.wrongFromClient.exhausted(client),
      this.wrongFromSite.exhausted(site),
    ]);
    const wrong = wrongThere ?? wrongAtSite;
    const attempts = (await this.attemptsOfAccount.get(account))?.consumedPoints ?? 0;
    const pause = backoffAfter(attempts, this.unknownClientPolicy);
    if ((wrong === undefined && pause === 0) || (await this.knownClients.has(email, client))) return;
    if (wrong !== undefined) throw tooManyAttempts(wrong);
    const pairOfSite = `${account}:${site}`;
    const taken = await this.slotsOfSite.get(pairOfSite);
    const busy = taken !== null && taken.remainingPoints <= 0;
    await this.fairSlots.take(busy ? pairOfSite : `${account}:${client}`, pause);
    await this.slotsOfSite.penalty(pairOfSite);
  }

  /**
   * Before the password of someone who is logged in is compared.
   * @throws {Problem} `too_many_attempts`.
   */
  async beginReauthentication(accountId: string): Promise<PasswordAttempt> {
    await this.pairBackoff.check(accountId);
    await this.countAttempt(accountId);
    return new PasswordAttempt(
      () => this.pairBackoff.succeeded(accountId),
      () => this.uncountAttempt(accountId),
    );
  }

  /** Counts an attempt that both limits of one client or person allow; one that is refused counts for neither. */
  private async countAttempt(key: string): Promise<void> {
    await this.pairBackoff.attempt(key);
    try {
      await consume(this.attemptsOfPair, key);
    } catch (error) {
      await this.pairBackoff.withdrawn(key);
      throw error;
    }
  }

  private async uncountAttempt(key: string): Promise<void> {
    await this.pairBackoff.withdrawn(key);
    await this.attemptsOfPair.reward(key);
  }
}

function refuseWhile(pause: RateLimiterRes | null): void {
  if (pause !== null && pause.consumedPoints > 0 && pause.msBeforeNext > 0) throw tooManyAttempts(pause);
}

/** Counters are about addresses, and need not contain them. */
function hashed(email: string): string {
  return createHash('sha256').update(email).digest('base64url').slice(0, 22);
}
