import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import type { Batches } from '../../database/batches.js';
import { pageOf, positionIn, type Cursor, type Page } from '../../http/pagination.js';
import { insertAuditEvents } from './audit-events.sql.js';
import type { AuditEventKind } from './catalogue.js';
import type { AuditPosition } from './schemas.js';

const RETENTION = '1 year';

/** A change of an account. Its only personal data is the account's id. */
interface AuditEvent {
  readonly accountId: string;
  readonly sessionId?: string;
  readonly kind: AuditEventKind;
  readonly details?: Readonly<Record<string, string>>;
}

/** An audit event as the account's owner reads it. */
interface RecordedEvent {
  readonly at: string;
  readonly kind: AuditEventKind;
  readonly sessionId: string | null;
  readonly details: Record<string, string>;
}

/**
 * Records an event in the transaction that makes the change, so that neither is committed without the other. The statements
 * that change sessions record their events themselves.
 */
export async function recordAuditEvent(
  db: EntityManager,
  { accountId, sessionId, kind, details = {} }: AuditEvent,
): Promise<void> {
  await db.query(
    insertAuditEvents({ kind, accountId: '$1::uuid', sessionId: '$2::uuid', details: '$3::jsonb' }),
    [accountId, sessionId ?? null, JSON.stringify(details)],
  );
}

/** Audit log of accounts, in `auth.audit_events`. */
@Injectable()
export class AuditLog {
  constructor(private readonly dataSource: DataSource) {}

  /** Returns a page of the events of the actor's account, newest first. `cursor` is from the page before. */
  async list(
    { accountId }: Actor,
    limit: number,
    cursor?: Cursor<AuditPosition>,
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

  /** Deletes events past their retention. */
  prune(batches: Batches): Promise<void> {
    return batches.remove('auth.audit_events', `at < now() - interval '${RETENTION}'`);
  }
}
