import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import type { Page } from '../paging.js';

/** Something that happened to an account, without personal data beyond its id. */
export interface AuditEvent {
  readonly accountId: string;
  readonly sessionId?: string;
  readonly kind:
    | 'account_opened'
    | 'account_deleted'
    | 'email_verified'
    | 'password_reset'
    | 'password_changed'
    | 'identity_linked'
    | 'identity_unlinked'
    | 'session_opened'
    | 'session_recovered'
    | 'session_reused'
    | 'session_ended';
  readonly details?: Readonly<Record<string, string>>;
}

/** Writes that are under way. More than these means that the database is away, and memory is not for them. */
const MOST_UNDER_WAY = 1_000;

/** An event as its account's owner reads it. */
export interface RecordedEvent {
  readonly at: string;
  readonly kind: string;
  readonly sessionId: string | null;
  readonly details: Record<string, string>;
}

/** `auth.audit_events`: answers "why was I logged out?". */
@Injectable()
export class AuditEvents implements OnApplicationShutdown {
  private readonly logger = new Logger(AuditEvents.name);
  private readonly writing = new Set<Promise<void>>();

  constructor(private readonly dataSource: DataSource) {}

  /** Writes it down behind the answer's back: what happened has happened, also where the database is away by now. */
  record({ accountId, sessionId, kind, details = {} }: AuditEvent): void {
    if (this.writing.size >= MOST_UNDER_WAY) {
      this.logger.error({ accountId, sessionId, kind }, 'an audit event was not written: too many wait');
      return;
    }
    const writing = this.dataSource
      .query(
        'INSERT INTO auth.audit_events (account_id, session_id, kind, details) VALUES ($1, $2, $3, $4)',
        [accountId, sessionId ?? null, kind, JSON.stringify(details)],
      )
      .then(
        () => undefined,
        (error: unknown) => {
          this.logger.error(
            { err: error, accountId, sessionId, kind },
            'an audit event could not be written',
          );
        },
      )
      .finally(() => this.writing.delete(writing));
    this.writing.add(writing);
  }

  /** What happened to the actor's account, newest first; `cursor` is that of the page before. */
  async of(actor: Actor, limit: number, cursor?: string): Promise<Page<RecordedEvent>> {
    const rows = await this.dataSource.query<(Omit<RecordedEvent, 'at'> & { id: string; at: Date })[]>(
      `SELECT id, at, kind, session_id AS "sessionId", details FROM auth.audit_events
       WHERE account_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [actor.accountId, cursor ?? null, limit + 1],
    );
    const items = rows
      .slice(0, limit)
      .map(({ at, kind, sessionId, details }) => ({ at: at.toISOString(), kind, sessionId, details }));
    return { items, nextCursor: rows.length > limit ? (rows[limit - 1]?.id ?? null) : null };
  }

  /** After the last request, and before the database is let go. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.writing);
  }
}
