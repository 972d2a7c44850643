import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Messages for others, with a lane for each target, and the pauses between mails to one address. */
export class Outbox1764500000001 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // The payload is sealed: provider tokens, addresses and mailed links are in it.
    await db.query(`
      CREATE TABLE auth.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        lane text NOT NULL,
        payload_jwe text NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await db.query('CREATE INDEX outbox_due ON auth.outbox (due_at, lane)');
    // The provider is inside of the sealed payload, so that these messages share a lane.
    await db.query(`
      INSERT INTO auth.outbox (kind, lane, payload_jwe, attempts, due_at, created_at)
      SELECT
        CASE kind WHEN 'unlink' THEN 'provider.unlink' ELSE 'account.deleted' END,
        CASE kind WHEN 'unlink' THEN 'provider.unlink/providers/earlier' ELSE 'account.deleted/profiles' END,
        payload_jwe, attempts, due_at, created_at
      FROM auth.errands ORDER BY id`);
    await db.query('DROP TABLE auth.errands');
    await db.query(`
      CREATE TABLE auth.mail_pauses (
        mailbox bytea PRIMARY KEY,
        due_at timestamptz NOT NULL,
        sent integer NOT NULL
      )`);
    await db.query('CREATE INDEX mail_pauses_due ON auth.mail_pauses (due_at)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE auth.mail_pauses, auth.outbox');
    await db.query(`
      CREATE TABLE auth.errands (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        account_id uuid NOT NULL,
        payload_jwe text NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await db.query('CREATE INDEX errands_due ON auth.errands (due_at)');
  }
}
