import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { Config } from '../../config/config.js';
import { LAST_USED, LIVING } from './living.sql.js';
import type { ListedSession } from './schemas.js';

/** Sessions of an account that have neither ended nor passed a limit, last used first, at most `SESSION_LIMIT`. */
@Injectable()
export class SessionList {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {}

  async list(actor: Actor): Promise<ListedSession[]> {
    const rows = await this.dataSource.query<
      {
        id: string;
        created_at: Date;
        last_seen_at: Date;
        idle_expires_at: Date;
        expires_at: Date;
        ip: string | null;
        device: string;
        method: string;
      }[]
    >(
      `SELECT id, created_at, expires_at, ip, device, method, last_seen_at,
         least(last_seen_at + make_interval(secs => $2), expires_at) AS idle_expires_at
       FROM auth.sessions, LATERAL (SELECT ${LAST_USED} AS last_seen_at) AS used
       WHERE account_id = $1 AND ${LIVING('$2')}
       ORDER BY last_seen_at DESC, id LIMIT $3`,
      [actor.accountId, this.config.sessionIdleS, this.config.sessionLimit],
    );
    return rows.map((row) => ({
      id: row.id,
      current: row.id === actor.sessionId,
      createdAt: row.created_at.toISOString(),
      lastSeenAt: row.last_seen_at.toISOString(),
      idleExpiresAt: row.idle_expires_at.toISOString(),
      expiresAt: row.expires_at.toISOString(),
      ip: row.ip,
      device: row.device,
      method: row.method,
    }));
  }
}
