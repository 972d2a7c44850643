import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When a signing key begins to sign, which is after everyone has had the time to learn its public half. */
export class RotateSigningKeys1764200000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE auth.signing_keys ADD COLUMN use_from timestamptz NOT NULL DEFAULT now()');
    await db.query('UPDATE auth.signing_keys SET use_from = created_at');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE auth.signing_keys DROP COLUMN use_from');
  }
}
