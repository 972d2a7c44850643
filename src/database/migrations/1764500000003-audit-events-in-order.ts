import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Audit events have the time of their insertion. `now()` is the start of the transaction, so that an event of a transaction
 * that waited for a lock would be listed above later ones with an earlier time.
 */
export class AuditEventsInOrder1764500000003 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE auth.audit_events ALTER COLUMN at SET DEFAULT clock_timestamp()');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE auth.audit_events ALTER COLUMN at SET DEFAULT now()');
  }
}
