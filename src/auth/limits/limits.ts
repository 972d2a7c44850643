import { createHash } from 'node:crypto';
import { Injectable, Optional } from '@nestjs/common';
import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import { Config } from '../../config.js';
import { problemOf } from '../../problems/problem.filter.js';
import { clientOf, siteOf } from '../../rate-limits/client-address.js';
import { countersIn, scaledBy, take, tooMany, type MakeCounter } from '../../rate-limits/counters.js';
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
export type LimitedRoute = keyof typeof ROUTES;

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
interface Patience {
  readonly free: number;
  readonly longest: number;
}
/** One client at one account; and a person who is logged in, at their own. */
const ONE: Patience = { free: 10, longest: 900 };
/** Everyone together at one account: from then on each client that is new to the account waits before each attempt. */
const EVERYONE: Patience = { free: 100, longest: 10 };
/**
 * Attempts of one client at one account, or of a person who is logged in at their own, right or wrong: a right password
 * costs a hash, and a log-in also a session and its audit events.
 */
const ATTEMPTS_OF_ONE = { points: 60, duration: HOUR };
/** How long (s) a turn is kept for who waited for it. */
const TURN = 10 * MINUTE;
/** A site whose clients took so many turns at one account is one client there: a /48 has 65,536 of them. */
const TURNS_OF_SITE = { points: 100, duration: HOUR };

/** How long (s) the attempt after the n-th has to wait. */
export function pauseAfter(attempts: number, { free, longest }: Patience): number {
  return attempts <= free ? 0 : Math.min(2 ** Math.min(attempts - free - 1, 30), longest);
}

/** A comparison of credentials that is allowed, and counted as a wrong one until it succeeds. */
export class Attempt {
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
class Spaced {
  private readonly counted: RateLimiterAbstract;
  private readonly pausing: RateLimiterAbstract;

  constructor(
    private readonly patience: Patience,
    make: MakeCounter,
    name: string,
  ) {
    this.counted = make(`${name}:count`, { points: patience.free, duration: HOUR });
    this.pausing = make(`${name}:pause`, { points: 1, duration: patience.longest });
  }

  /** Whether an attempt would be allowed now. It costs nothing. */
  async ask(key: string): Promise<void> {
    refuseWhile(await this.pausing.get(key));
  }

  /** An attempt that is made. Of several at once only one gets through, and the others are not counted. */
  async attempt(key: string): Promise<void> {
    const { consumedPoints } = await this.counted.penalty(key);
    const seconds = pauseAfter(consumedPoints, this.patience);
    if (seconds === 0) return;
    try {
      await take(this.pausing, key, { customDuration: seconds });
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
class OwnTurns {
  private readonly waiting: RateLimiterAbstract;
  private readonly turns: RateLimiterAbstract;

  constructor(make: MakeCounter) {
    this.waiting = make('turn:wait', { points: 1, duration: EVERYONE.longest });
    this.turns = make('turn:kept', { points: 1, duration: TURN });
  }

  async take(key: string, seconds: number): Promise<void> {
    refuseWhile(await this.waiting.get(key));
    if (await this.turns.delete(key)) return;
    await take(this.waiting, key, { customDuration: seconds });
    await this.turns.set(key, 1, TURN);
    throw tooMany({ msBeforeNext: seconds * 1000 });
  }
}

/** How often what may be done: counted in Redis, or in this process where there is none or it is away. */
@Injectable()
export class Limits {
  private readonly routes: ReadonlyMap<LimitedRoute, RateLimiterAbstract>;
  private readonly recipients: RateLimiterAbstract;
  private readonly recipientsOfSite: RateLimiterAbstract;
  private readonly wrongFromClient: Windows;
  private readonly wrongFromSite: Windows;
  private readonly refusedFromClient: Windows;
  private readonly refusedFromSite: Windows;
  private readonly one: Spaced;
  private readonly attemptsOfOne: RateLimiterAbstract;
  private readonly everyone: RateLimiterAbstract;
  private readonly strangersPatience: Patience;
  private readonly turns: OwnTurns;
  private readonly turnsOfSite: RateLimiterAbstract;

  constructor(
    { rateLimitFactor }: Config,
    private readonly knownClients: KnownClients,
    @Optional() redis?: Redis,
  ) {
    const make = countersIn(redis);
    const scaled: MakeCounter = (name, limit) => make(name, scaledBy(rateLimitFactor, limit));
    const patient = ({ free, longest }: Patience): Patience => ({
      free: Math.max(1, Math.round(free * rateLimitFactor)),
      longest,
    });
    this.routes = new Map(
      (Object.keys(ROUTES) as LimitedRoute[]).map((route) => [
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
    this.one = new Spaced(patient(ONE), make, 'one');
    this.attemptsOfOne = scaled('attempts', ATTEMPTS_OF_ONE);
    this.strangersPatience = patient(EVERYONE);
    this.everyone = make('everyone', { points: this.strangersPatience.free, duration: HOUR });
    this.turns = new OwnTurns(make);
    this.turnsOfSite = scaled('turn:network', TURNS_OF_SITE);
  }

  /**
   * One more request of a client to a route.
   * @throws {Problem} `too_many_attempts`.
   */
  async visit(route: LimitedRoute, address: string): Promise<void> {
    const limiter = this.routes.get(route);
    if (limiter !== undefined) await take(limiter, ROUTES[route].per(address));
  }

  /**
   * Before a site (`address`) registers an e-mail address or has a mail sent to it; the same for addresses that nobody has.
   * Repetitions for one e-mail address count once an hour, and the limit does not hold for known clients of its account.
   * @throws {Problem} `too_many_attempts`.
   */
  async recipient(email: string, address: string): Promise<void> {
    const site = siteOf(address);
    const key = `${site}:${hashed(email)}`;
    if ((await this.recipients.get(key)) !== null) return;
    try {
      await take(this.recipientsOfSite, site);
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
  async logIn(email: string, address: string): Promise<Attempt> {
    const [client, site, account] = [clientOf(address), siteOf(address), hashed(email)];
    const pair = `${account}:${client}`;
    await this.one.ask(pair);
    await this.askAsStranger(email, address);
    await this.attempt(pair);
    await this.everyone.penalty(account);
    await Promise.all([this.wrongFromClient.penalty(client), this.wrongFromSite.penalty(site)]);
    const reward = async (): Promise<void> => {
      await this.everyone.reward(account);
      await Promise.all([this.wrongFromClient.reward(client), this.wrongFromSite.reward(site)]);
    };
    return new Attempt(
      async () => {
        await this.one.succeeded(pair);
        await reward();
      },
      async () => {
        await this.withdraw(pair);
        await reward();
      },
    );
  }

  /** What others did makes nobody wait who comes from where the account has logged in before. */
  private async askAsStranger(email: string, address: string): Promise<void> {
    const [client, site, account] = [clientOf(address), siteOf(address), hashed(email)];
    const [wrongThere, wrongAtSite] = await Promise.all([
      this.wrongFromClient.exhausted(client),
      this.wrongFromSite.exhausted(site),
    ]);
    const wrong = wrongThere ?? wrongAtSite;
    const attempts = (await this.everyone.get(account))?.consumedPoints ?? 0;
    const pause = pauseAfter(attempts, this.strangersPatience);
    if ((wrong === undefined && pause === 0) || (await this.knownClients.has(email, client))) return;
    if (wrong !== undefined) throw tooMany(wrong);
    const pairOfSite = `${account}:${site}`;
    const taken = await this.turnsOfSite.get(pairOfSite);
    const busy = taken !== null && taken.remainingPoints <= 0;
    await this.turns.take(busy ? pairOfSite : `${account}:${client}`, pause);
    await this.turnsOfSite.penalty(pairOfSite);
  }

  /**
   * Before the password of someone who is logged in is compared.
   * @throws {Problem} `too_many_attempts`.
   */
  async password(accountId: string): Promise<Attempt> {
    await this.one.ask(accountId);
    await this.attempt(accountId);
    return new Attempt(
      () => this.one.succeeded(accountId),
      () => this.withdraw(accountId),
    );
  }

  /** Counts an attempt that both limits of one client or person allow; one that is refused counts for neither. */
  private async attempt(key: string): Promise<void> {
    await this.one.attempt(key);
    try {
      await take(this.attemptsOfOne, key);
    } catch (error) {
      await this.one.withdrawn(key);
      throw error;
    }
  }

  private async withdraw(key: string): Promise<void> {
    await this.one.withdrawn(key);
    await this.attemptsOfOne.reward(key);
  }
}

function refuseWhile(pause: RateLimiterRes | null): void {
  if (pause !== null && pause.consumedPoints > 0 && pause.msBeforeNext > 0) throw tooMany(pause);
}

/** Counters are about addresses, and need not contain them. */
function hashed(email: string): string {
  return createHash('sha256').update(email).digest('base64url').slice(0, 22);
}
