import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Config } from '../config/config.js';
import { BATCH, Batches } from '../database/batches.js';
import { Outbox } from '../outbox/outbox.js';
import { DerivedKeys } from '../crypto/derived-keys.js';
import { WAITING_DAYS } from './local/registrations.js';
import { MailBackoff } from './account-mails/mail-backoff.js';
import { ProviderGrants } from './social/provider-grants.js';

/** Any number; of several processes one does the work. */
const LOCK = 0x74696479;
const HOURLY = 3_600_000;
/** Rows may lag behind Redis by an hour, and nobody minds a session that is over being kept for a day. */
const SLACK = '1 day';
/** For as long people may ask why a session ended. Unknown is ended, so that nothing depends on the rows. */
const KEEP_SESSIONS = '30 days';
const KEEP_EVENTS = '1 year';
/** An address that nobody verifies is free again, whoever typed it. */
const KEEP_UNVERIFIED = `${WAITING_DAYS} days`;

/**
 * Once an hour: ends sessions that passed a limit, removes what nobody will ask for any more, and seals anew what an older
 * `AUTH_SECRET` has sealed.
 */
@Injectable()
export class AuthRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(AuthRetention.name);
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> = Promise.resolve();
  private readonly batches: Batches;

  constructor(
    dataSource: DataSource,
    private readonly config: Config,
    private readonly secrets: DerivedKeys,
    private readonly grants: ProviderGrants,
    private readonly outbox: Outbox,
    private readonly mailBackoff: MailBackoff,
  ) {
    this.batches = new Batches(dataSource, LOCK);
  }

  onApplicationBootstrap(): void {
    // Spread, so that processes that started together do not come together.
    this.timer = setInterval(this.runAndLog, HOURLY * (0.9 + Math.random() / 5));
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.underWay;
  }

  /** Does all of it now, unless another process is at it. */
  async run(): Promise<void> {
    await this.batches.run(
      `WITH passed AS (
         SELECT id FROM auth.sessions
         WHERE ended_at IS NULL AND (expires_at < now() - interval '${SLACK}' OR
           greatest(created_at, to_timestamp(issued_at / 1000.0)) < now() - make_interval(secs => $1) - interval '${SLACK}')
         LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
       ), ended AS (
         UPDATE auth.sessions SET ended_at = now(), changed_at = now(), end_reason = 'limit_passed'
         FROM passed WHERE sessions.id = passed.id RETURNING sessions.id, account_id
       ), changed AS (
         INSERT INTO auth.audit_events (account_id, session_id, kind, details)
         SELECT account_id, id, 'session_ended', '{"reason": "limit_passed"}' FROM ended RETURNING 1
       )`,
      [this.config.sessionIdle],
    );
    await this.batches.remove(
      'auth.sessions',
      `changed_at < now() - interval '${KEEP_SESSIONS}' AND ended_at IS NOT NULL`,
    );
    await this.batches.remove('auth.audit_events', `at < now() - interval '${KEEP_EVENTS}'`);
    await this.batches.remove('auth.one_time_tokens', 'expires_at < now()');
    await this.batches.remove(
      'auth.accounts',
      `status = 'deleted' AND changed_at < now() - interval '${KEEP_SESSIONS}'`,
    );
    await this.batches.remove(
      'auth.accounts',
      `email IS NOT NULL AND email_verified_at IS NULL
       AND coalesce(registered_at, created_at) < now() - interval '${KEEP_UNVERIFIED}'
       AND NOT EXISTS (SELECT FROM auth.identities WHERE account_id = accounts.id)
       AND NOT EXISTS (SELECT FROM auth.one_time_tokens WHERE account_id = accounts.id)`,
    );
    await this.batches.run(
      `WITH changed AS (
         UPDATE auth.accounts SET registration_hash = NULL, registered_at = NULL WHERE id IN (
           SELECT id FROM auth.accounts
           WHERE registration_hash IS NOT NULL AND registered_at < now() - interval '${KEEP_UNVERIFIED}'
           LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
         ) RETURNING 1
       )`,
    );
    await this.mailBackoff.prune();
    if (this.secrets.areExchanged) {
      await this.grants.resealAll();
      await this.outbox.resealAll();
    }
  }

  private readonly runAndLog = (): void => {
    this.underWay = this.run().catch((error: unknown) => {
      this.logger.warn({ err: error }, 'could not tidy up');
    });
  };
}
