import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { QueryConfig, QueryResult } from 'pg';
import { DataSource } from 'typeorm';
import { EXPLAINABLE, poolOf } from '../database/postgres-pool.js';
import { postgresFailureOf } from '../stores/postgres-failures.js';

/** Shortest interval of probes of the database. Load balancers call `/health/ready` often, and any client may. */
const PROBE_INTERVAL_MS = 500;
/** Time limit of a response: load balancers wait for a second. A probe that takes longer counts as an outage. */
export const READINESS_BUDGET_MS = 800;
/** Time for which a failure that a probe cannot repeat, such as a full disk, makes the process unready. */
const REMEMBERED_MS = 5_000;
/**
 * Time limit of a probe's wait for the lock of a schema change. Below `deadlock_timeout` (1 s), so that a probe never
 * makes a schema change the victim of a deadlock.
 */
const LOCK_TIMEOUT_MS = 300;
/** Tables that each login and refresh reads or writes. */
const LOGIN_TABLES = 'auth.accounts, auth.identities, auth.sessions, auth.audit_events, profile.profiles';
/** Number of rows that probes write: those of several processes rarely wait for one another. */
const SLOTS = 64;

/**
 * Takes the lock of a write on the tables of login and refresh, writes a row, and finds a table on which the user lacks a
 * privilege or to which row-level security applies. The statements are one transaction, in one message of the simple
 * protocol.
 */
const probeSql = (): string => `
  SET LOCAL lock_timeout = '${LOCK_TIMEOUT_MS}ms';
  LOCK TABLE ${LOGIN_TABLES} IN ROW EXCLUSIVE MODE;
  INSERT INTO daemun.readiness_probes (slot, written_at) VALUES (${Math.floor(Math.random() * SLOTS)}, now())
    ON CONFLICT (slot) DO UPDATE SET written_at = now();
  SELECT 1 AS denied
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ('auth', 'profile', 'board'))
    AND c.relkind = 'r'
    AND NOT (has_schema_privilege(c.relnamespace, 'USAGE')
      AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
      AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
      AND NOT row_security_active(c.oid))
  LIMIT 1`;

/** Readiness probe of the database, which login, refresh and writes need. */
@Injectable()
export class Readiness {
  /** The outcome of the probe under way or of the last one, within the time limit. */
  private lastProbe: Promise<string | undefined> | undefined;

  constructor(private readonly dataSource: DataSource) {}

  /** Returns the reason why the database cannot be used, as in `docs/store-failures.md`; undefined when it can. */
  check(): Promise<string | undefined> {
    this.lastProbe ??= this.probe();
    return this.lastProbe;
  }

  private async probe(): Promise<string | undefined> {
    const probe = this.write().finally(() => {
      setTimeout(() => (this.lastProbe = undefined), PROBE_INTERVAL_MS).unref();
    });
    const late = new AbortController();
    const limit = sleep(READINESS_BUDGET_MS, undefined, { signal: late.signal }).then(
      () => this.recentReason() ?? 'no_answer',
      () => undefined,
    );
    return Promise.race([probe, limit]).finally(() => late.abort());
  }

  /** Returns the reason of a failure of any connection in the last {@link REMEMBERED_MS}. */
  private recentReason(): string | undefined {
    const { recentFailure } = poolOf(this.dataSource);
    if (recentFailure === undefined || performance.now() - recentFailure.at > REMEMBERED_MS) return undefined;
    return recentFailure.failure.reason;
  }

  private async write(): Promise<string | undefined> {
    try {
      const results = (await poolOf(this.dataSource).query(probeSql())) as unknown as QueryResult[];
      if (results.at(-1)?.rowCount !== 0) return 'permission_denied';
      return await this.remembered();
    } catch (error) {
      return postgresFailureOf(error)?.reason ?? 'unknown';
    }
  }

  /** Returns the reason of a failure that left its connection usable, so that a probe may succeed on it. */
  private async remembered(): Promise<string | undefined> {
    const pool = poolOf(this.dataSource);
    const { lastFailure, refusedStatement } = pool;
    if (lastFailure !== undefined && performance.now() - lastFailure.at <= REMEMBERED_MS)
      return lastFailure.failure.reason;
    if (refusedStatement === undefined) return undefined;
    const reason = await this.explain(refusedStatement);
    if (reason === undefined && pool.refusedStatement === refusedStatement) pool.refusedStatement = undefined;
    return reason;
  }

  /** Returns the reason for which the server still refuses a statement, such as a missing column; undefined when it does not. */
  private async explain(statement: string): Promise<string | undefined> {
    const count = Math.max(0, ...[...statement.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
    const query = {
      text: statement.replace(EXPLAINABLE, 'EXPLAIN '),
      values: Array.from({ length: count }, () => null),
      // The extended protocol takes one statement only.
      queryMode: 'extended',
    } as QueryConfig;
    try {
      await poolOf(this.dataSource).query(query);
      return undefined;
    } catch (error) {
      const failure = postgresFailureOf(error);
      return failure?.losesReadiness === true ? failure.reason : undefined;
    }
  }
}
