import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Sessions keep the name of their device instead of `user_agent`, which processes of the earlier version go on writing. Living
 * sessions of an account are found without reading those that ended.
 */
export class SessionsLimited1764630000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE auth.sessions ADD COLUMN device text');
    await db.query('CREATE INDEX sessions_living ON auth.sessions (account_id) WHERE ended_at IS NULL');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX auth.sessions_living');
    await db.query('ALTER TABLE auth.sessions DROP COLUMN device');
  }
}
