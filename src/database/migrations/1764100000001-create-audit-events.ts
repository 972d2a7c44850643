import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened to an account and its sessions, and why. */
export class CreateAuditEvents1764100000001 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // No foreign key: what happened stays true when the account is gone, and the id is all that is left of it.
    await db.query(`
      CREATE TABLE auth.audit_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        account_id uuid NOT NULL,
        session_id uuid,
        kind text NOT NULL,
        details jsonb NOT NULL DEFAULT '{}',
        at timestamptz NOT NULL DEFAULT now()
      )`);
    await db.query('CREATE INDEX audit_events_account ON auth.audit_events (account_id, id)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE auth.audit_events');
  }
}
