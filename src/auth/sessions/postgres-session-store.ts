import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Config } from '../../config.js';
import { runPrepared } from '../../database/prepared.js';
import { PRESENT } from './present.sql.js';
import { SessionStore, type EndReason, type NewSession, type Presented } from './session-store.js';

/** Sessions in PostgreSQL: one row each, one statement a step. */
@Injectable()
export class PostgresSessionStore extends SessionStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {
    super();
  }

  async open({ id, accountId, method, ip, userAgent }: NewSession): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO auth.sessions (id, account_id, method, ip, user_agent, expires_at)
       VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
      [id, accountId, method, ip ?? null, userAgent?.slice(0, 512) ?? null, this.config.sessionMax],
    );
  }

  async present(sessionId: string, generation: number): Promise<Presented | undefined> {
    const { refreshGrace, sessionIdle } = this.config;
    const [row] = await runPrepared<Presented & { roles: string[] | null }>(this.dataSource, PRESENT, [
      sessionId,
      generation,
      refreshGrace * 1000,
      sessionIdle * 1000,
    ]);
    return row && { ...row, roles: row.roles ?? undefined };
  }

  async end(sessionId: string, reason: EndReason): Promise<void> {
    await this.dataSource.query(
      'UPDATE auth.sessions SET ended_at = now(), end_reason = $2 WHERE id = $1 AND ended_at IS NULL',
      [sessionId, reason],
    );
  }

  async endedWithin(seconds: number): Promise<string[]> {
    const rows = await this.dataSource.query<{ id: string }[]>(
      'SELECT id FROM auth.sessions WHERE ended_at > now() - make_interval(secs => $1)',
      [seconds],
    );
    return rows.map(({ id }) => id);
  }
}
