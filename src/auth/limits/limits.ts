import { createHash } from 'node:crypto';
import { Injectable, Optional } from '@nestjs/common';
import {
  RateLimiterRedis,
  RateLimiterRes,
  type IRateLimiterOptions,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible';
import { Config } from '../../config.js';
import { Problem } from '../../problems/problem.js';
import { Redis } from '../../redis/redis.js';
import { BoundedMemory } from './bounded-memory.js';
import { clientOf } from './client-address.js';
import { KnownClients } from './known-clients.js';
import { redisCounters } from './redis-counters.js';

const MINUTE = 60;
const HOUR = 3_600;

/** How many requests one client may make to a route, in so many seconds. */
export const ROUTES = {
  register: { points: 200, duration: HOUR },
  'ask for a mail': { points: 100, duration: HOUR },
  'use a mailed token': { points: 100, duration: 10 * MINUTE },
  'start at a provider': { points: 300, duration: 10 * MINUTE },
} as const;
export type LimitedRoute = keyof typeof ROUTES;

/** IPv6 comes to households by /56 and to companies by /48: whoever has very many clients has either. */
const NETWORK = 48;

/**
 * Wrong credentials from one client, whomever they are for: far more than an office behind one address mistypes, and over
 * within a minute, since everybody there has to wait who has not logged in from there before.
 */
const WRONG_FROM_CLIENT = { points: 300, duration: MINUTE };

/** After so many attempts without success each further one makes the next wait longer, up to so many seconds. */
interface Patience {
  readonly free: number;
  readonly longest: number;
}
/** One client at one account; and a person who is logged in, at their own. */
const ONE: Patience = { free: 10, longest: 900 };
/** Everyone together at one account: from then on each client that is new to the account waits before each attempt. */
const EVERYONE: Patience = { free: 100, longest: 10 };
/** Attempts of one client at one account, right or wrong: a right password costs a hash, a session and its audit events. */
const ATTEMPTS_OF_ONE = { points: 60, duration: HOUR };
/** How long (s) a turn is kept for who waited for it. */
const TURN = 10 * MINUTE;
/** A network whose clients took so many turns at one account is one client there: a /48 has 65,536 of them. */
const TURNS_OF_NETWORK = { points: 100, duration: HOUR };

/** How long (s) the attempt after the n-th has to wait. */
export function pauseAfter(attempts: number, { free, longest }: Patience): number {
  return attempts <= free ? 0 : Math.min(2 ** Math.min(attempts - free - 1, 30), longest);
}

/** A look at credentials that is allowed. What is not told to have succeeded has failed. */
export interface Attempt {
  succeeded(): Promise<void>;
}

type Make = (name: string, options: { points: number; duration: number }) => RateLimiterAbstract;

/** Counts attempts without success, and spaces them. */
class Spaced {
  private readonly counted: RateLimiterAbstract;
  private readonly pausing: RateLimiterAbstract;

  constructor(
    private readonly patience: Patience,
    make: Make,
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

  constructor(make: Make) {
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
  private readonly wrongFromClient: RateLimiterAbstract;
  private readonly one: Spaced;
  private readonly attemptsOfOne: RateLimiterAbstract;
  private readonly everyone: RateLimiterAbstract;
  private readonly strangersPatience: Patience;
  private readonly turns: OwnTurns;
  private readonly turnsOfNetwork: RateLimiterAbstract;

  constructor(
    { rateLimitFactor }: Config,
    private readonly knownClients: KnownClients,
    @Optional() redis?: Redis,
  ) {
    const make: Make = (name, { points, duration }) => {
      const options: IRateLimiterOptions = { keyPrefix: `daemun:limit:${name}`, points, duration };
      const memory = new BoundedMemory(options);
      if (redis === undefined) return memory;
      return new RateLimiterRedis({
        ...options,
        storeClient: redisCounters(redis),
        useRedisPackage: true,
        rejectIfRedisNotReady: true,
        insuranceLimiter: memory,
      });
    };
    const scaled: Make = (name, { points, duration }) =>
      make(name, { points: Math.max(1, Math.round(points * rateLimitFactor)), duration });
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
    this.wrongFromClient = scaled('wrong', WRONG_FROM_CLIENT);
    this.one = new Spaced(patient(ONE), make, 'one');
    this.attemptsOfOne = scaled('attempts', ATTEMPTS_OF_ONE);
    this.strangersPatience = patient(EVERYONE);
    this.everyone = make('everyone', { points: this.strangersPatience.free, duration: HOUR });
    this.turns = new OwnTurns(make);
    this.turnsOfNetwork = scaled('turn:network', TURNS_OF_NETWORK);
  }

  /**
   * One more request of a client to a route.
   * @throws {Problem} `too_many_attempts`.
   */
  async visit(route: LimitedRoute, address: string): Promise<void> {
    const limiter = this.routes.get(route);
    if (limiter !== undefined) await take(limiter, clientOf(address));
  }

  /**
   * Before an address and a password are compared; the same for addresses that nobody has. Only what is compared is
   * counted, so that asking too early costs nothing.
   * @throws {Problem} `too_many_attempts`.
   */
  async logIn(email: string, address: string): Promise<Attempt> {
    const [client, account] = [clientOf(address), hashed(email)];
    const pair = `${account}:${client}`;
    await this.one.ask(pair);
    await this.askAsStranger(email, address);
    await take(this.attemptsOfOne, pair);
    await this.one.attempt(pair);
    await this.everyone.penalty(account);
    await this.wrongFromClient.penalty(client);
    return {
      succeeded: async () => {
        await this.one.succeeded(pair);
        await this.everyone.reward(account);
        await this.wrongFromClient.reward(client);
      },
    };
  }

  /** What others did makes nobody wait who comes from where the account has logged in before. */
  private async askAsStranger(email: string, address: string): Promise<void> {
    const [client, account] = [clientOf(address), hashed(email)];
    const wrong = await this.wrongFromClient.get(client);
    const attempts = (await this.everyone.get(account))?.consumedPoints ?? 0;
    const crowded = wrong !== null && wrong.remainingPoints <= 0;
    const pause = pauseAfter(attempts, this.strangersPatience);
    if ((!crowded && pause === 0) || (await this.knownClients.has(email, client))) return;
    if (crowded) throw tooMany(wrong);
    const network = `${account}:${clientOf(address, NETWORK)}`;
    const taken = await this.turnsOfNetwork.get(network);
    const busy = taken !== null && taken.remainingPoints <= 0;
    await this.turns.take(busy ? network : `${account}:${client}`, pause);
    await this.turnsOfNetwork.penalty(network);
  }

  /**
   * Before the password of someone who is logged in is compared.
   * @throws {Problem} `too_many_attempts`.
   */
  async password(accountId: string): Promise<Attempt> {
    await this.one.ask(accountId);
    await this.one.attempt(accountId);
    return { succeeded: () => this.one.succeeded(accountId) };
  }
}

async function take(limiter: RateLimiterAbstract, key: string, options = {}): Promise<void> {
  try {
    await limiter.consume(key, 1, options);
  } catch (error) {
    throw error instanceof RateLimiterRes ? tooMany(error) : error;
  }
}

function refuseWhile(pause: RateLimiterRes | null): void {
  if (pause !== null && pause.consumedPoints > 0 && pause.msBeforeNext > 0) throw tooMany(pause);
}

function tooMany({ msBeforeNext }: Pick<RateLimiterRes, 'msBeforeNext'>): Problem {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new Problem('too_many_attempts', { headers: { 'Retry-After': String(seconds) } });
}

/** Counters are about addresses, and need not contain them. */
function hashed(email: string): string {
  return createHash('sha256').update(email).digest('base64url').slice(0, 22);
}
