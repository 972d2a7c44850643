import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Whoever changes an account's roles or status, by hand as well, has `changed_at` moved: processes find the account by it,
 * refuse the access tokens from before, and correct the copies in Redis.
 */
export class AccountsTellChanges1764400000001 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // The clock, not now(): a transaction may have been open for longer than processes look back.
    await db.query(`
      CREATE FUNCTION auth.tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.changed_at = clock_timestamp();
        RETURN NEW;
      END $$`);
    await db.query(`
      CREATE TRIGGER tell_change BEFORE UPDATE ON auth.accounts FOR EACH ROW
      WHEN ((OLD.roles, OLD.status) IS DISTINCT FROM (NEW.roles, NEW.status))
      EXECUTE FUNCTION auth.tell_change()`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TRIGGER tell_change ON auth.accounts');
    await db.query('DROP FUNCTION auth.tell_change');
  }
}
