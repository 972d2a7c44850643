import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { poolOf } from '../database/postgres-pool.js';
import { postgresFailureOf } from '../stores/postgres-failures.js';

/** Probes are asked for by load balancers, and by anyone: the database sees at most one in this time (ms). */
const PROBE_INTERVAL_MS = 500;
/** A failure that a probe cannot repeat, such as a full disk, makes the process unready for so long (ms). */
const REMEMBERED_MS = 5_000;
/** Rows that probes write, so that those of several processes rarely wait for one another. */
const SLOTS = 64;

/** Writes a row, and finds a table on which the user lacks a privilege. */
const PROBE = `
  WITH written AS (
    INSERT INTO daemun.readiness_probes (slot, written_at) VALUES ($1, now())
    ON CONFLICT (slot) DO UPDATE SET written_at = now()
  )
  SELECT 1
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ('auth', 'profile', 'board'))
    AND c.relkind = 'r'
    AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
      AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
  LIMIT 1`;

/** Probes the database: log-in, refresh and writes need it. */
@Injectable()
export class Readiness {
  private probe: Promise<string | undefined> | undefined;

  constructor(private readonly dataSource: DataSource) {}

  /** The reason why the database cannot be used, as in `docs/store-failures.md`; undefined when it can. */
  check(): Promise<string | undefined> {
    this.probe ??= this.write().finally(() => {
      setTimeout(() => (this.probe = undefined), PROBE_INTERVAL_MS).unref();
    });
    return this.probe;
  }

  private async write(): Promise<string | undefined> {
    try {
      const denied = await this.dataSource.query<unknown[]>(PROBE, [Math.floor(Math.random() * SLOTS)]);
      if (denied.length > 0) return 'permission_denied';
      return this.remembered();
    } catch (error) {
      return postgresFailureOf(error)?.reason ?? 'unknown';
    }
  }

  /** The reason of a failure that left its connection usable, so that a probe may succeed on it. */
  private remembered(): string | undefined {
    const { lastFailure } = poolOf(this.dataSource);
    if (lastFailure === undefined || performance.now() - lastFailure.at > REMEMBERED_MS) return undefined;
    return lastFailure.failure.connection === 'keep' ? lastFailure.failure.reason : undefined;
  }
}
