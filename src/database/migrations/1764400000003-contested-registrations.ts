import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether an address was registered more than once before anybody verified it. */
export class ContestedRegistrations1764400000003 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE auth.accounts ADD COLUMN contested boolean NOT NULL DEFAULT false');
    // Of those that wait already nobody knows.
    await db.query(
      'UPDATE auth.accounts SET contested = true WHERE email IS NOT NULL AND email_verified_at IS NULL',
    );
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE auth.accounts DROP COLUMN contested');
  }
}
