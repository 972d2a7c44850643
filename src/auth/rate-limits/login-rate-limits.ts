import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { Config } from '../../config/config.js';
import { clientOf, siteOf } from '../../rate-limits/client-address.js';
import {
  countersIn,
  scaledBy,
  consume,
  tooManyAttempts,
  type MakeCounter,
} from '../../rate-limits/counters.js';
import { Redis } from '../../redis/redis.js';
import { Backoff } from './backoff.js';
import { FairSlots } from './fair-slots.js';
import { KnownClients } from './known-clients.js';
import { PasswordAttempt } from './password-attempt.js';
import {
  ATTEMPTS_OF_PAIR,
  decideUnknownClient,
  PAIR_BACKOFF,
  SLOTS_OF_SITE,
  UNKNOWN_CLIENT_BACKOFF,
  WRONG_FROM_CLIENT,
  WRONG_FROM_SITE,
  type BackoffPolicy,
} from './password-limits.js';
import { Windows, type Tiers } from './windows.js';

const MINUTE = 60;
const HOUR = 3_600;

/**
 * E-mail addresses that one site may register or have mails sent to. Thousands of users may share a site (CGNAT, the /48 of a mobile
 * carrier). It can use up a fifth of the mails to unverified addresses (`MailThrottle`).
 */
const RECIPIENTS_OF_SITE = { points: 200, duration: HOUR };

/**
 * Callbacks that a provider has refused, for instance because of a forged code. Each costs an outgoing call. Further callbacks become
 * slower rather than refused, because thousands of users may share an address.
 */
const REFUSED_FROM_CLIENT = { points: 100, duration: 10 * MINUTE };
const REFUSED_FROM_SITE = { points: 300, duration: 10 * MINUTE };

/** Rate limits of passwords, recipients of mails and callbacks, counted in Redis, or in this process without Redis. */
@Injectable()
export class LoginRateLimits {
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
    const scaledPolicy = ({ free, maxS }: BackoffPolicy): BackoffPolicy => ({
      free: Math.max(1, Math.round(free * rateLimitFactor)),
      maxS,
    });
    const windows = (name: string, tiers: Tiers) =>
      new Windows(tiers.map((tier) => scaled(`${name}:${tier.duration}`, tier)));
    this.recipients = make('recipient', { points: 1, duration: RECIPIENTS_OF_SITE.duration });
    this.recipientsOfSite = scaled('recipients', RECIPIENTS_OF_SITE);
    this.wrongFromClient = windows('wrong', WRONG_FROM_CLIENT);
    this.wrongFromSite = windows('wrong-site', WRONG_FROM_SITE);
    this.refusedFromClient = windows('refused', [REFUSED_FROM_CLIENT]);
    this.refusedFromSite = windows('refused-site', [REFUSED_FROM_SITE]);
    this.pairBackoff = new Backoff(scaledPolicy(PAIR_BACKOFF), make, 'pair');
    this.attemptsOfPair = scaled('attempts', ATTEMPTS_OF_PAIR);
    this.unknownClientPolicy = scaledPolicy(UNKNOWN_CLIENT_BACKOFF);
    this.attemptsOfAccount = make('account', { points: this.unknownClientPolicy.free, duration: HOUR });
    this.fairSlots = new FairSlots(make);
    this.slotsOfSite = scaled('slot:site', SLOTS_OF_SITE);
  }

  /**
   * Counts an e-mail address that a site registers or has a mail sent to, once an hour. Addresses without an account count alike.
   * Known clients of the account are exempt.
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

  /** Counts a callback that a provider has refused. */
  async callbackRefused(address: string): Promise<void> {
    await Promise.all([
      this.refusedFromClient.penalty(clientOf(address)),
      this.refusedFromSite.penalty(siteOf(address)),
    ]);
  }

  /** Returns true for a client or site with many refused callbacks. */
  async hasManyRefused(address: string): Promise<boolean> {
    const windows = await Promise.all([
      this.refusedFromClient.exhausted(clientOf(address)),
      this.refusedFromSite.exhausted(siteOf(address)),
    ]);
    return windows.some((window) => window !== undefined);
  }

  /**
   * Counts a password attempt of an anonymous client, also for an address without an account. A refused attempt does not count.
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

  /**
   * Counts a password attempt of a logged-in user.
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

  /** Applies {@link decideUnknownClient}. Sessions are read only for an attempt that would have to wait. */
  private async checkUnknownClient(email: string, address: string): Promise<void> {
    const [client, site, account] = [clientOf(address), siteOf(address), hashed(email)];
    const [windowOfClient, windowOfSite] = await Promise.all([
      this.wrongFromClient.exhausted(client),
      this.wrongFromSite.exhausted(site),
    ]);
    const decision = decideUnknownClient({
      msUntilWindowEnds: (windowOfClient ?? windowOfSite)?.msBeforeNext,
      attemptsAtAccount: (await this.attemptsOfAccount.get(account))?.consumedPoints ?? 0,
      policy: this.unknownClientPolicy,
    });
    if (decision.act === 'allow' || (await this.knownClients.has(email, client))) return;
    if (decision.act === 'refuse') throw tooManyAttempts(decision);
    const pairOfSite = `${account}:${site}`;
    const taken = await this.slotsOfSite.get(pairOfSite);
    const exhausted = taken !== null && taken.remainingPoints <= 0;
    await this.fairSlots.take(exhausted ? pairOfSite : `${account}:${client}`, decision.seconds);
    await this.slotsOfSite.penalty(pairOfSite);
  }

  /** Counts an attempt that both limits of the pair allow. A refused attempt counts for neither. */
  private async countAttempt(pair: string): Promise<void> {
    await this.pairBackoff.attempt(pair);
    try {
      await consume(this.attemptsOfPair, pair);
    } catch (error) {
      await this.pairBackoff.withdrawn(pair);
      throw error;
    }
  }

  private async uncountAttempt(pair: string): Promise<void> {
    await this.pairBackoff.withdrawn(pair);
    await this.attemptsOfPair.reward(pair);
  }
}

/** Keys contain a hash instead of the e-mail address, so that Redis has no personal data. */
function hashed(email: string): string {
  return createHash('sha256').update(email).digest('base64url').slice(0, 22);
}
