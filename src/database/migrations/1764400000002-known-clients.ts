import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An account's sessions are found also when they have ended: they tell where its owner has logged in from. */
export class KnownClients1764400000002 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX auth.sessions_account');
    await db.query('CREATE INDEX sessions_account ON auth.sessions (account_id)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX auth.sessions_account');
    await db.query('CREATE INDEX sessions_account ON auth.sessions (account_id) WHERE ended_at IS NULL');
  }
}
