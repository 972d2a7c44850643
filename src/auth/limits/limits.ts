import { createHash } from 'node:crypto';
import { Injectable, Optional } from '@nestjs/common';
import {
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  type IRateLimiterOptions,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible';
import { Config } from '../../config.js';
import { Problem } from '../../problems/problem.js';
import { Redis } from '../../redis/redis.js';
import { clientOf } from './client-address.js';
import { redisCounters } from './redis-counters.js';

const MINUTES = 60;
const HOUR = 3_600;

/** How many requests one client may make to a route, in so many seconds. */
export const ROUTES = {
  register: { points: 200, duration: HOUR },
  'ask for a mail': { points: 100, duration: HOUR },
  'use a mailed token': { points: 100, duration: 10 * MINUTES },
  'start at a provider': { points: 300, duration: 10 * MINUTES },
} as const;
export type LimitedRoute = keyof typeof ROUTES;

/** How many mails of a kind one address gets. */
const MAILS = { points: 5, duration: HOUR };
/** Wrong credentials from one client, whomever they are for. */
const WRONG_FROM_CLIENT = { points: 200, duration: 10 * MINUTES };

/** After so many attempts without success each further one makes the next wait longer, up to so many seconds. */
interface Patience {
  readonly free: number;
  readonly longest: number;
}
/** One client at one account; and a person who is logged in, at their own. */
const ONE: Patience = { free: 10, longest: 900 };
/** Everyone together at one account. Strangers can only slow its owner down: nobody is ever locked out by others. */
const EVERYONE: Patience = { free: 100, longest: 10 };

/** How long (s) the attempt after the n-th has to wait. */
export function pauseAfter(attempts: number, { free, longest }: Patience): number {
  return attempts <= free ? 0 : Math.min(2 ** Math.min(attempts - free - 1, 30), longest);
}

/** A look at credentials that is allowed. What is not told to have succeeded has failed. */
export interface Attempt {
  succeeded(): Promise<void>;
}

/** Counts attempts without success, and spaces them. */
class Spaced {
  private readonly counted: RateLimiterAbstract;
  private readonly pausing: RateLimiterAbstract;

  constructor(
    private readonly patience: Patience,
    make: (name: string, options: { points: number; duration: number }) => RateLimiterAbstract,
    name: string,
  ) {
    this.counted = make(`${name}:count`, { points: patience.free, duration: HOUR });
    this.pausing = make(`${name}:pause`, { points: 1, duration: patience.longest });
  }

  async attempt(key: string): Promise<void> {
    const pause = await this.pausing.get(key);
    if (pause !== null && pause.consumedPoints > 0 && pause.msBeforeNext > 0) throw tooMany(pause);
    const { consumedPoints } = await this.counted.penalty(key);
    const seconds = pauseAfter(consumedPoints, this.patience);
    // Of several at once only one gets through.
    if (seconds > 0) await take(this.pausing, key, { customDuration: seconds });
  }

  async succeeded(key: string): Promise<void> {
    await this.counted.delete(key);
    await this.pausing.delete(key);
  }
}

/** How often what may be done: counted in Redis, or in this process where there is none or it is away. */
@Injectable()
export class Limits {
  private readonly routes: ReadonlyMap<LimitedRoute, RateLimiterAbstract>;
  private readonly mails: RateLimiterAbstract;
  private readonly wrongFromClient: RateLimiterAbstract;
  private readonly one: Spaced;
  private readonly everyone: Spaced;

  constructor({ rateLimitFactor }: Config, @Optional() redis?: Redis) {
    const make = (name: string, { points, duration }: { points: number; duration: number }) => {
      const options: IRateLimiterOptions = { keyPrefix: `daemun:limit:${name}`, points, duration };
      const memory = new RateLimiterMemory(options);
      if (redis === undefined) return memory;
      return new RateLimiterRedis({
        ...options,
        storeClient: redisCounters(redis),
        useRedisPackage: true,
        rejectIfRedisNotReady: true,
        insuranceLimiter: memory,
      });
    };
    const scaled = (name: string, { points, duration }: { points: number; duration: number }) =>
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
    this.mails = scaled('mail', MAILS);
    this.wrongFromClient = scaled('wrong', WRONG_FROM_CLIENT);
    this.one = new Spaced(patient(ONE), make, 'one');
    this.everyone = new Spaced(patient(EVERYONE), make, 'everyone');
  }

  /**
   * One more request of a client to a route.
   * @throws {Problem} `too_many_attempts`.
   */
  async visit(route: LimitedRoute, address: string): Promise<void> {
    const limiter = this.routes.get(route);
    if (limiter !== undefined) await take(limiter, clientOf(address));
  }

  /** Whether one more mail of this kind may go to an address now. */
  async mayMail(kind: string, email: string): Promise<boolean> {
    try {
      await this.mails.consume(`${kind}:${hashed(email)}`);
      return true;
    } catch (error) {
      if (error instanceof RateLimiterRes) return false;
      throw error;
    }
  }

  /**
   * Before an address and a password are compared; the same for addresses that nobody has.
   * @throws {Problem} `too_many_attempts`.
   */
  async logIn(email: string, address: string): Promise<Attempt> {
    const [client, account] = [clientOf(address), hashed(email)];
    const wrong = await this.wrongFromClient.get(client);
    if (wrong !== null && wrong.remainingPoints <= 0) throw tooMany(wrong);
    const pair = `${account}:${client}`;
    await this.one.attempt(pair);
    await this.everyone.attempt(account);
    await this.wrongFromClient.penalty(client);
    return {
      succeeded: async () => {
        await this.one.succeeded(pair);
        await this.everyone.succeeded(account);
        await this.wrongFromClient.reward(client);
      },
    };
  }

  /**
   * Before the password of someone who is logged in is compared.
   * @throws {Problem} `too_many_attempts`.
   */
  async password(accountId: string): Promise<Attempt> {
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

function tooMany({ msBeforeNext }: RateLimiterRes): Problem {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new Problem('too_many_attempts', { headers: { 'Retry-After': String(seconds) } });
}

/** Counters are about addresses, and need not contain them. */
function hashed(email: string): string {
  return createHash('sha256').update(email).digest('base64url').slice(0, 22);
}
