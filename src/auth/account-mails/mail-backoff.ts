import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Config } from '../../config/config.js';

/** Pauses (s) between mails of a kind to one mailbox; the last one repeats. */
const BACKOFF_S = [60, 300, 900, 3_600];
/** After so long (s) without a mail the pauses begin anew. */
const RESET_AFTER_S = 6 * 3_600;

/** Of SHA-256. */
const HASH_BYTES = 32;

/**
 * Spaces the mails to one mailbox, whoever causes them: nobody can fill it, and its owner gets one at the latest when the
 * pause is over. A request while a mail waits for that is answered by that mail.
 * The transaction may have waited for the row, and `now()` is its start: hence `clock_timestamp()`.
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

/** When the next mail of a kind may go to an address. Kept in the database, for every process and through restarts. */
@Injectable()
export class MailBackoff {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {}

  /**
   * Takes the next place for a mail, in the caller's transaction; undefined where one waits already. So many (`burst`) go
   * out at once before the pauses begin.
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

  /** Removes rows whose pauses are over, but for that of `mail-throttle.ts`, which is locked after others. */
  async prune(): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM auth.mail_backoff
       WHERE due_at < now() - make_interval(secs => ${RESET_AFTER_S}) AND octet_length(mailbox) = ${HASH_BYTES}`,
    );
  }
}

/** Subaddresses (RFC 5233) lead to one mailbox. Only a hash is kept. */
function mailboxOf(kind: string, email: string): Buffer {
  const at = email.lastIndexOf('@');
  const mailbox = email.slice(0, at).replace(/\+.*$/, '') + email.slice(at);
  return createHash('sha256').update(`${kind}:${mailbox}`).digest();
}
