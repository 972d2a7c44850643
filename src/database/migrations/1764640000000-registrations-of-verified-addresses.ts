import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A registration of a verified address waits as one of any other address does, beside the account's own password. */
export class RegistrationsOfVerifiedAddresses1764640000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE auth.accounts
        ADD COLUMN registration_hash text,
        ADD COLUMN registered_at timestamptz`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE auth.accounts DROP COLUMN registration_hash, DROP COLUMN registered_at');
  }
}
