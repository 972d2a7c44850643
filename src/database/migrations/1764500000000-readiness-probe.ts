import type { MigrationInterface, QueryRunner } from 'typeorm';
import { MIGRATIONS_SCHEMA } from '../schema.js';

/** The row that a readiness probe writes: only a write shows that writes work. */
export class ReadinessProbe1764500000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE ${MIGRATIONS_SCHEMA}.readiness_probes (
        slot smallint PRIMARY KEY,
        written_at timestamptz NOT NULL
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE ${MIGRATIONS_SCHEMA}.readiness_probes`);
  }
}
