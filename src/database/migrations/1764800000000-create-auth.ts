import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createSchema } from '../schema.js';

/** Schema of AuthService. */
export class CreateAuth1764800000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createSchema(db, 'auth');
    await createAccounts(db);
    await createSessions(db);
    await createKeysAndTokens(db);
    await createAuditEvents(db);
    await createOutbox(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA auth CASCADE');
  }
}

async function createAccounts(db: QueryRunner): Promise<void> {
  await db.query(`
    CREATE TABLE auth.accounts (
      id uuid PRIMARY KEY,
      email text UNIQUE CHECK (email = lower(email)),
      email_verified_at timestamptz,
      password_hash text,
      registration_hash text,
      registered_at timestamptz,
      has_several_registrations boolean NOT NULL DEFAULT false,
      roles text[] NOT NULL DEFAULT '{user}',
      status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'deleted')),
      nickname text NOT NULL,
      avatar_url text,
      changed_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now()
    )`);
  await db.query('CREATE INDEX accounts_changed ON auth.accounts (changed_at) WHERE changed_at IS NOT NULL');
  // A trigger, so that manual changes count as well: processes poll `changed_at`, deny earlier access tokens of the account and
  // evict its cached sessions. clock_timestamp() instead of now(), because a transaction may be open for longer than a poll
  // looks back.
  await db.query(`
    CREATE FUNCTION auth.set_changed_at() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.changed_at = clock_timestamp();
      RETURN NEW;
    END $$`);
  await db.query(`
    CREATE TRIGGER set_changed_at BEFORE UPDATE ON auth.accounts FOR EACH ROW
    WHEN ((OLD.roles, OLD.status) IS DISTINCT FROM (NEW.roles, NEW.status))
    EXECUTE FUNCTION auth.set_changed_at()`);
  // `grant_jwe`: sealed token of the provider that ends the connection; null if the provider needs none.
  await db.query(`
    CREATE TABLE auth.identities (
      provider text NOT NULL,
      subject text NOT NULL,
      account_id uuid NOT NULL REFERENCES auth.accounts ON DELETE CASCADE,
      email text,
      email_verification text NOT NULL CHECK (email_verification IN ('verified', 'unverified', 'unsupported')),
      grant_jwe text,
      linked_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (provider, subject)
    )`);
  // An account has at most one identity of each provider, so that "unlink Google" means one identity.
  await db.query('CREATE UNIQUE INDEX identities_account ON auth.identities (account_id, provider)');
}

async function createSessions(db: QueryRunner): Promise<void> {
  // State of refresh token rotation (rotation.ts); `rotated_at` and `issued_at` are ms since 1970. `changed_at` is set when a
  // session ends, or rotates without its cache entry, so that processes evict the entry.
  await db.query(`
    CREATE TABLE auth.sessions (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES auth.accounts ON DELETE CASCADE,
      method text NOT NULL,
      ip text,
      device text NOT NULL,
      current integer NOT NULL DEFAULT 1,
      parent integer NOT NULL DEFAULT 0,
      oldest_valid integer NOT NULL DEFAULT 0,
      oldest_retry integer NOT NULL DEFAULT 0,
      rotated_at bigint NOT NULL DEFAULT 0,
      issued_at bigint NOT NULL DEFAULT 0,
      last_outcome text,
      changed_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      ended_at timestamptz,
      end_reason text
    )`);
  await db.query('CREATE INDEX sessions_changed ON auth.sessions (changed_at) WHERE changed_at IS NOT NULL');
  await db.query('CREATE INDEX sessions_living ON auth.sessions (account_id) WHERE ended_at IS NULL');
  // Ended sessions stay for the recognition of known clients (known-clients.ts).
  await db.query('CREATE INDEX sessions_latest ON auth.sessions (account_id, created_at)');
}

async function createKeysAndTokens(db: QueryRunner): Promise<void> {
  // A key signs from `use_from` on. Until then every process can load its public key.
  await db.query(`
    CREATE TABLE auth.signing_keys (
      kid text PRIMARY KEY,
      public_jwk jsonb NOT NULL,
      private_jwe text NOT NULL,
      use_from timestamptz NOT NULL DEFAULT now(),
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

async function createAuditEvents(db: QueryRunner): Promise<void> {
  // No foreign key, because events outlive their account. The default of `at` is the time of the insertion, so that events of a
  // transaction that waited for a lock are listed in order.
  await db.query(`
    CREATE TABLE auth.audit_events (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      account_id uuid NOT NULL,
      session_id uuid,
      kind text NOT NULL,
      details jsonb NOT NULL DEFAULT '{}',
      at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`);
  await db.query('CREATE INDEX audit_events_account ON auth.audit_events (account_id, id)');
}

async function createOutbox(db: QueryRunner): Promise<void> {
  // The payload is sealed, because it contains provider tokens, e-mail addresses and mailed links.
  await db.query(`
    CREATE TABLE auth.outbox (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      kind text NOT NULL,
      queue text NOT NULL,
      payload_jwe text NOT NULL,
      attempts integer NOT NULL DEFAULT 0,
      due_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now()
    )`);
  await db.query('CREATE INDEX outbox_due ON auth.outbox (due_at, queue)');
  await db.query(`
    CREATE TABLE auth.mail_backoff (
      mailbox bytea PRIMARY KEY,
      due_at timestamptz NOT NULL,
      sent integer NOT NULL
    )`);
  await db.query('CREATE INDEX mail_backoff_due ON auth.mail_backoff (due_at)');
}
