import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Something that happened to an account, without personal data beyond its id. */
export interface AuditEvent {
  readonly accountId: string;
  readonly sessionId?: string;
  readonly kind: 'session_opened' | 'session_recovered' | 'session_reused' | 'session_ended';
  readonly details?: Readonly<Record<string, string>>;
}

/** Writes that are under way. More than these means that the database is away, and memory is not for them. */
const MOST_UNDER_WAY = 1_000;

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

  /** After the last request, and before the database is let go. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.writing);
  }
}
