import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What linking, leaving and saying goodbye to a provider need. */
export class AccountsForLife1764200000001 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // What is needed to end the connection at the provider, sealed; null where nothing is.
    await db.query('ALTER TABLE auth.identities ADD COLUMN grant_jwe text');
    // An account is linked to one person at a provider, so that "unlink Google" means one thing.
    await db.query(`
      DELETE FROM auth.identities a USING auth.identities b
      WHERE a.account_id = b.account_id AND a.provider = b.provider AND (a.linked_at, a.subject) > (b.linked_at, b.subject)`);
    await db.query('DROP INDEX auth.identities_account');
    await db.query('CREATE UNIQUE INDEX identities_account ON auth.identities (account_id, provider)');
    // A deleted account keeps its id for a while, so that every process hears that its sessions have ended.
    await db.query('ALTER TABLE auth.accounts DROP CONSTRAINT accounts_status_check');
    await db.query(
      `ALTER TABLE auth.accounts ADD CONSTRAINT accounts_status_check CHECK (status IN ('active', 'disabled', 'deleted'))`,
    );
    // What has to be done elsewhere, and is tried until it is. What it is about is sealed: provider tokens are in it.
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

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE auth.errands');
    await db.query(`DELETE FROM auth.accounts WHERE status = 'deleted'`);
    await db.query('ALTER TABLE auth.accounts DROP CONSTRAINT accounts_status_check');
    await db.query(
      `ALTER TABLE auth.accounts ADD CONSTRAINT accounts_status_check CHECK (status IN ('active', 'disabled'))`,
    );
    await db.query('DROP INDEX auth.identities_account');
    await db.query('CREATE INDEX identities_account ON auth.identities (account_id)');
    await db.query('ALTER TABLE auth.identities DROP COLUMN grant_jwe');
  }
}
