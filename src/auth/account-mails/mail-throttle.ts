import { Injectable, Logger } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Config } from '../../config/config.js';
import { Metrics } from '../../observability/metrics.js';
import { RepeatedLines } from '../../logging/repeated-lines.js';

/** Mails to unverified addresses per hour, from all processes, and how many of them may be sent at once. */
const PER_HOUR = 1_000;
const BURST = 200;
/** Longest delay of a mail. A mail that would wait longer is dropped. */
const LONGEST_WAIT_S = 6 * 3_600;
/** Interval of the log line that counts throttled mails. */
const LOG_INTERVAL_MS = 3_600_000;
/** Key of the throttle's row in `auth.mail_backoff`, whose other keys are hashes. */
const KEY = Buffer.from('unverified');

/** Generic cell rate algorithm (ITU-T I.371). `due_at` is the theoretical arrival time of the next mail. */
const NEXT = `
  INSERT INTO auth.mail_backoff AS pause (mailbox, due_at, sent)
  VALUES ($1, clock_timestamp() + make_interval(secs => $2), 1)
  ON CONFLICT (mailbox) DO UPDATE SET
    due_at = greatest(pause.due_at, clock_timestamp()) + make_interval(secs => $2)
  WHERE pause.due_at < clock_timestamp() + make_interval(secs => $3 + ${LONGEST_WAIT_S})
  RETURNING due_at - make_interval(secs => $3) AS "dueAt", due_at - make_interval(secs => $3) > clock_timestamp() AS later`;

/**
 * Throttle of mails to unverified addresses, for all processes together. Otherwise registrations from many networks could send
 * unwanted mails until mail providers refuse this sender.
 */
@Injectable()
export class MailThrottle {
  private readonly logger = new Logger(MailThrottle.name);
  private readonly perHour: number;
  private readonly burst: number;
  private readonly lines = new RepeatedLines(LOG_INTERVAL_MS);

  constructor(
    private readonly dataSource: DataSource,
    private readonly metrics: Metrics,
    { rateLimitFactor }: Config,
  ) {
    this.perHour = PER_HOUR * rateLimitFactor;
    this.burst = Math.max(1, BURST * rateLimitFactor);
  }

  /**
   * Takes the next slot for a mail, in the caller's transaction, which must be short because all mails share one row.
   * @returns the time at which the mail is due; undefined for a mail that is dropped.
   */
  async next(db: EntityManager): Promise<Date | undefined> {
    const interval = 3_600 / this.perHour;
    const rows = await db.query<{ dueAt: Date; later: boolean }[]>(NEXT, [
      KEY,
      interval,
      this.burst * interval,
    ]);
    const [slot] = rows;
    if (slot?.later !== false) this.report(slot === undefined ? 'dropped' : 'deferred');
    return slot?.dueAt;
  }

  /** Returns whether the address has an account and is not verified. */
  async appliesTo(email: string): Promise<boolean> {
    const rows = await this.dataSource.query<object[]>(
      'SELECT 1 FROM auth.accounts WHERE email = $1 AND email_verified_at IS NULL',
      [email],
    );
    return rows.length > 0;
  }

  private report(outcome: 'deferred' | 'dropped'): void {
    this.metrics.mailsThrottled.inc({ outcome });
    const { perHour } = this;
    const title = 'mails to unverified addresses are throttled: a program may be registering addresses';
    this.lines.log(
      outcome,
      () => this.logger.warn({ perHour, outcome }, title),
      (mails) => this.logger.warn({ perHour, outcome, mails }, title),
    );
  }
}
