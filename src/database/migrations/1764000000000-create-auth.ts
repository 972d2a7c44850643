import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createSchema } from '../schema.js';

/** AuthService's schema: accounts, identities, sessions, signing keys and one-time tokens. */
export class CreateAuth1764000000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createSchema(db, 'auth');
    await db.query(`
      CREATE TABLE auth.accounts (
        id uuid PRIMARY KEY,
        email text UNIQUE CHECK (email = lower(email)),
        email_verified_at timestamptz,
        password_hash text,
        roles text[] NOT NULL DEFAULT '{user}',
        status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
        nickname text NOT NULL,
        avatar_url text,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await db.query(`
      CREATE TABLE auth.identities (
        provider text NOT NULL,
        subject text NOT NULL,
        account_id uuid NOT NULL REFERENCES auth.accounts ON DELETE CASCADE,
        email text,
        email_verification text NOT NULL CHECK (email_verification IN ('verified', 'unverified', 'unsupported')),
        linked_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (provider, subject)
      )`);
    await db.query('CREATE INDEX identities_account ON auth.identities (account_id)');
    // The six values of the refresh protocol are plain numbers, times among them (ms since 1970): see rotation.ts.
    await db.query(`
      CREATE TABLE auth.sessions (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES auth.accounts ON DELETE CASCADE,
        method text NOT NULL,
        ip text,
        user_agent text,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        end_reason text,
        current integer NOT NULL DEFAULT 1,
        parent integer NOT NULL DEFAULT 0,
        floor integer NOT NULL DEFAULT 0,
        next integer NOT NULL DEFAULT 2,
        moved_at bigint NOT NULL DEFAULT 0,
        handed_at bigint NOT NULL DEFAULT 0,
        last_answer text
      )`);
    await db.query('CREATE INDEX sessions_ended ON auth.sessions (ended_at) WHERE ended_at IS NOT NULL');
    await db.query('CREATE INDEX sessions_account ON auth.sessions (account_id) WHERE ended_at IS NULL');
    await db.query(`
      CREATE TABLE auth.signing_keys (
        kid text PRIMARY KEY,
        public_jwk jsonb NOT NULL,
        private_jwe text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await db.query(`
      CREATE TABLE auth.one_time_tokens (
        jti_hash bytea PRIMARY KEY,
        kind text NOT NULL,
        account_id uuid NOT NULL REFERENCES auth.accounts ON DELETE CASCADE,
        password_hash text,
        nickname text,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
      )`);
    await db.query('CREATE INDEX one_time_tokens_account ON auth.one_time_tokens (account_id)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA auth CASCADE');
  }
}
