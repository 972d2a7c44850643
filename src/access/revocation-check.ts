import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Elapsed } from '../concurrency/elapsed.js';
import { Periodic } from '../concurrency/periodic.js';
import { within } from '../concurrency/within.js';
import { Config } from '../config/config.js';
import { temporarilyUnavailable } from '../problems/problem.js';
import type { VerifiedToken } from './access-token.js';
import { Denylist, type Revoked } from './denylist.js';
import { RevocationFeed } from './revocation-feed.js';

/** Share of `REVOCATION_POLL_SECONDS` between two polls, so that the next one ends before the denylist is stale. */
const POLL_SHARE = 0.75;
/** Longest wait of a request for a poll. After an unsuccessful wait the denylist counts as fresh for the same time. */
const WAIT_MS = 1_000;
/** Time after an unsuccessful wait in which no further request waits. */
const NO_WAIT_MS = 5_000;

/** Age that the denylist may have, and for how long a poll that fails is put up with. */
interface FreshnessLimits {
  readonly maxAgeMs: number;
  readonly maxOutageMs: number;
}

/**
 * Revocation check of access tokens: polls the {@link RevocationFeed}, and decides whether the {@link Denylist} is stale.
 *
 *     fresh ── no poll began within REVOCATION_POLL_SECONDS (suspension, outage) ──► stale
 *       ▲                                                                              │ the next request polls, and
 *       ├──────────────────────────── the poll succeeds ───────────────────────────────┤ waits up to WAIT_MS
 *       │                                                                              ▼
 *       └──────────────────────────── a poll succeeds ──────────────── failed: the denylist is used as it is for
 *                                                                      WAIT_MS, then it is stale again
 *
 * Without other processes (`REVOCATION_POLL_SECONDS` does not apply to the embedded database) it is always fresh.
 */
@Injectable()
export class RevocationCheck implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RevocationCheck.name);
  private readonly pollIntervalMs: number;
  private readonly polling: Periodic;
  /** Since the begin of the last successful poll. */
  private sincePoll: Elapsed | undefined;
  /** Since the last unsuccessful wait; undefined after a successful poll. */
  private sinceFailure: Elapsed | undefined;
  /** True after a request's poll failed, until a poll succeeds. A slow poll is no failure. */
  private isFailing = false;

  constructor(
    config: Config,
    private readonly denylist: Denylist,
    private readonly feed: RevocationFeed,
  ) {
    this.pollIntervalMs = 1_000 * config.revocationPollS;
    this.polling = new Periodic(() => this.record(() => this.feed.poll()), {
      everyMs: POLL_SHARE * this.pollIntervalMs,
      onFailure: (error, failures) =>
        this.logger[failures > 1 ? 'debug' : 'warn']({ err: error }, 'revocations cannot be polled'),
    });
  }

  async onModuleInit(): Promise<void> {
    await this.record(() => this.feed.resync());
    if (this.pollIntervalMs > 0) this.polling.start();
  }

  /** Runs before the database closes. */
  async onApplicationShutdown(): Promise<void> {
    await this.polling.stop();
  }

  /** Returns the reason to refuse a token; undefined where there is none. While {@link isStale}, {@link refresh} comes first. */
  verdict(token: VerifiedToken): Revoked | undefined {
    return this.denylist.verdict(token);
  }

  /** True where the denylist is too old for a {@link verdict}. */
  get isStale(): boolean {
    if (this.sinceFailure !== undefined && this.sinceFailure.ms <= WAIT_MS) return false;
    return this.ageMs > this.pollIntervalMs;
  }

  /** Staleness (ms): time since the begin of the last successful poll; 0 without other processes. */
  get ageMs(): number {
    if (this.pollIntervalMs === 0) return 0;
    return this.sincePoll?.ms ?? Infinity;
  }

  /** Polls where the denylist is stale. Returns after {@link WAIT_MS} also where that fails: the denylist then stays as it is. */
  async refresh(): Promise<void> {
    if (this.isStale) await this.pollFor(this.pollIntervalMs, this.mayWait());
  }

  /**
   * Polls where the last successful poll began more than `maxAgeMs` ago. Returns also where the poll fails.
   * @throws {Problem} `temporarily_unavailable` where the poll takes longer than {@link WAIT_MS}, and after failures for `maxOutageMs`.
   */
  async requireFresh({ maxAgeMs, maxOutageMs }: FreshnessLimits): Promise<void> {
    if (this.ageMs <= maxAgeMs) return;
    await this.pollFor(maxAgeMs, !this.isFailing || this.mayWait());
    if (this.ageMs <= maxAgeMs) return;
    if (!this.isFailing)
      throw temporarilyUnavailable('rows_slow: revocations could not be polled in time', undefined);
    if (this.ageMs > maxOutageMs)
      throw temporarilyUnavailable('rows_unknown: revocations could not be polled for too long', undefined);
  }

  /** One request waits, with the others of the same second; further ones do not wait for a source that does not answer. */
  private mayWait(): boolean {
    return this.sinceFailure === undefined || this.sinceFailure.ms > NO_WAIT_MS;
  }

  private async pollFor(maxAgeMs: number, waits: boolean): Promise<void> {
    const polled = this.pollUntil(maxAgeMs);
    if (waits) await within(polled, WAIT_MS);
    if (this.ageMs > maxAgeMs) this.sinceFailure = new Elapsed();
  }

  private async pollUntil(maxAgeMs: number): Promise<void> {
    try {
      await this.polling.run();
      // A poll that began before a suspension of this process does not cover the suspension.
      if (this.ageMs > maxAgeMs) await this.polling.run();
    } catch {
      this.isFailing = true;
    }
  }

  private async record(read: () => Promise<void>): Promise<void> {
    const sinceBegin = new Elapsed();
    await read();
    this.sincePoll = sinceBegin;
    this.sinceFailure = undefined;
    this.isFailing = false;
  }
}
