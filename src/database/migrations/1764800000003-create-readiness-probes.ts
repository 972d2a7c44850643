import type { MigrationInterface, QueryRunner } from 'typeorm';
import { MIGRATIONS_SCHEMA } from '../schema.js';

/** Table of readiness probes, which check writes by writing a row. */
export class CreateReadinessProbes1764800000003 implements MigrationInterface {
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
