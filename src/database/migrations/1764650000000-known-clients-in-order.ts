import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The latest sessions of an account are found without reading the others. */
export class KnownClientsInOrder1764650000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('CREATE INDEX sessions_latest ON auth.sessions (account_id, created_at)');
    await db.query('DROP INDEX auth.sessions_account');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('CREATE INDEX sessions_account ON auth.sessions (account_id)');
    await db.query('DROP INDEX auth.sessions_latest');
  }
}
