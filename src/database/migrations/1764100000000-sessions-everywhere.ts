import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What processes have to hear of one another's sessions, and accounts whose older access tokens are refused. */
export class SessionsEverywhere1764100000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // It was always current + 1.
    await db.query('ALTER TABLE auth.sessions DROP COLUMN next');
    await db.query('ALTER TABLE auth.sessions ADD COLUMN late integer NOT NULL DEFAULT 0');
    await db.query('UPDATE auth.sessions SET late = parent');
    // Set whenever a row says something that a copy of it elsewhere does not know: ended, or stepped without that copy.
    await db.query('ALTER TABLE auth.sessions ADD COLUMN touched_at timestamptz');
    await db.query('UPDATE auth.sessions SET touched_at = ended_at WHERE ended_at IS NOT NULL');
    await db.query('DROP INDEX auth.sessions_ended');
    await db.query(
      'CREATE INDEX sessions_touched ON auth.sessions (touched_at) WHERE touched_at IS NOT NULL',
    );
    await db.query('ALTER TABLE auth.accounts ADD COLUMN changed_at timestamptz');
    await db.query(
      'CREATE INDEX accounts_changed ON auth.accounts (changed_at) WHERE changed_at IS NOT NULL',
    );
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX auth.accounts_changed');
    await db.query('ALTER TABLE auth.accounts DROP COLUMN changed_at');
    await db.query('DROP INDEX auth.sessions_touched');
    await db.query('CREATE INDEX sessions_ended ON auth.sessions (ended_at) WHERE ended_at IS NOT NULL');
    await db.query('ALTER TABLE auth.sessions DROP COLUMN touched_at');
    await db.query('ALTER TABLE auth.sessions DROP COLUMN late');
    await db.query('ALTER TABLE auth.sessions ADD COLUMN next integer NOT NULL DEFAULT 2');
    await db.query('UPDATE auth.sessions SET next = current + 1');
  }
}
