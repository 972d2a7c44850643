import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Config } from '../../config/config.js';

/** Pauses between mails of a kind to one mailbox. The last one repeats. */
const BACKOFF_S = [60, 300, 900, 3_600];
/** Time without a mail after which the pauses start again. */
const RESET_AFTER_S = 6 * 3_600;

/** Length of SHA-256, the key of a row. */
const HASH_BYTES = 32;

/**
 * Takes the next slot of a mailbox. Parameters: $1 hash of the mailbox, $2 burst. Returns no row while a mail waits for the
 * end of the pause: that mail also answers this request. `clock_timestamp()`, because the transaction may have waited for the
 * row since `now()`.
 */
const NEXT = `
  INSERT INTO auth.mail_backoff AS pause (mailbox, due_at, sent) VALUES ($1, clock_timestamp(), 1)
  ON CONFLICT (mailbox) DO UPDATE SET
    sent = CASE WHEN pause.due_at < clock_timestamp() - make_interval(secs => ${RESET_AFTER_S}) THEN 1 ELSE pause.sent + 1 END,
    due_at = CASE
      WHEN pause.sent < $2 THEN clock_timestamp()
      ELSE greatest(clock_timestamp(), pause.due_at + make_interval(secs =>
        (ARRAY[${BACKOFF_S.join(', ')}])[least(pause.sent - $2 + 1, ${BACKOFF_S.length})]))
    END
  WHERE pause.due_at <= clock_timestamp()
  RETURNING due_at AS "dueAt", due_at > clock_timestamp() AS later`;

/** Backoff of mails to one mailbox, in `auth.mail_backoff`. Clients cannot flood a mailbox, and its owner waits at most one pause. */
@Injectable()
export class MailBackoff {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {}

  /**
   * Takes the next slot for a mail, in the caller's transaction. `burst` mails are sent without a pause. Returns undefined
   * while another mail waits.
   */
  async next(
    db: EntityManager,
    kind: string,
    email: string,
    burst: number,
  ): Promise<{ readonly dueAt: Date; readonly later: boolean } | undefined> {
    const scaled = Math.max(1, Math.round(burst * this.config.rateLimitFactor));
    const rows = await db.query<{ dueAt: Date; later: boolean }[]>(NEXT, [mailboxOf(kind, email), scaled]);
    return rows[0];
  }

  /** Deletes rows whose pauses are over. The row of mail-throttle.ts is kept, because it is locked after others. */
  async prune(): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM auth.mail_backoff
       WHERE due_at < now() - make_interval(secs => ${RESET_AFTER_S}) AND octet_length(mailbox) = ${HASH_BYTES}`,
    );
  }
}

/** Returns the hash of a mailbox, which is the same for all its subaddresses (RFC 5233). */
function mailboxOf(kind: string, email: string): Buffer {
  const at = email.lastIndexOf('@');
  const mailbox = email.slice(0, at).replace(/\+.*$/, '') + email.slice(at);
  return createHash('sha256').update(`${kind}:${mailbox}`).digest();
}
