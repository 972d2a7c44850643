import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import type { Actor } from '../../access/actor.js';
import { pageOf, positionIn, type Cursor, type Page } from '../../http/pagination.js';

/**
 * Something that happened to an account, without personal data beyond its id. The statements that change the row of a
 * session write the events of sessions themselves.
 */
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
    | 'role_granted'
    | 'role_revoked'
    | 'account_disabled'
    | 'account_enabled'
    | 'session_recovered';
  readonly details?: Readonly<Record<string, string>>;
}

/** An event as its account's owner reads it. */
export interface RecordedEvent {
  readonly at: string;
  readonly kind: string;
  readonly sessionId: string | null;
  readonly details: Record<string, string>;
}

/** Records an event in the transaction that makes the change, so that neither is kept without the other. */
export async function recordAuditEvent(
  db: EntityManager,
  { accountId, sessionId, kind, details = {} }: AuditEvent,
): Promise<void> {
  await db.query(
    'INSERT INTO auth.audit_events (account_id, session_id, kind, details) VALUES ($1, $2, $3, $4)',
    [accountId, sessionId ?? null, kind, JSON.stringify(details)],
  );
}

/** Place in the list of events: an id, which is a positive bigint. */
export const auditPosition = z.strictObject({ id: z.string().regex(/^[1-9]\d{0,17}$/) });

/** `auth.audit_events`: answers "why was I logged out?". */
@Injectable()
export class AuditLog {
  constructor(private readonly dataSource: DataSource) {}

  /** What happened to the actor's account, newest first; `cursor` is that of the page before. */
  async list(
    { accountId }: Actor,
    limit: number,
    cursor?: Cursor<z.output<typeof auditPosition>>,
  ): Promise<Page<RecordedEvent>> {
    const list = `events of ${accountId}`;
    const rows = await this.dataSource.query<(Omit<RecordedEvent, 'at'> & { id: string; at: Date })[]>(
      `SELECT id, at, kind, session_id AS "sessionId", details FROM auth.audit_events
       WHERE account_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [accountId, positionIn(list, cursor)?.id ?? null, limit + 1],
    );
    return pageOf(
      list,
      rows,
      limit,
      ({ id }) => ({ id }),
      ({ at, kind, sessionId, details }) => ({ at: at.toISOString(), kind, sessionId, details }),
    );
  }
}
