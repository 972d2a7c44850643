import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createSchema } from '../schema.js';

/** Schema of ProfileService. */
export class CreateProfile1764800000001 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createSchema(db, 'profile');
    await db.query(`
      CREATE TABLE profile.profiles (
        account_id uuid PRIMARY KEY,
        nickname text NOT NULL,
        avatar_url text,
        bio text NOT NULL DEFAULT '',
        locale text NOT NULL DEFAULT 'ko' CHECK (locale IN ('ko', 'en')),
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA profile CASCADE');
  }
}
