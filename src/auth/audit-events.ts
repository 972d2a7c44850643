import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Something that happened to an account, without personal data beyond its id. */
export interface AuditEvent {
  readonly accountId: string;
  readonly sessionId?: string;
  readonly kind: 'session_opened' | 'session_recovered' | 'session_reused' | 'session_ended';
  readonly details?: Readonly<Record<string, string>>;
}

/** `auth.audit_events`: answers "why was I logged out?". */
@Injectable()
export class AuditEvents implements BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditEvents.name);
  private readonly writing = new Set<Promise<void>>();

  constructor(private readonly dataSource: DataSource) {}

  /** Writes it down behind the answer's back: what happened has happened, also where the database is away by now. */
  record({ accountId, sessionId, kind, details = {} }: AuditEvent): void {
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

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.writing);
  }
}
