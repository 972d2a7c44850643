import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { clientOf } from '../../rate-limits/client-address.js';

/** The latest sessions of an account that count: each address is compared in this process. */
const SESSIONS = 1_000;

/** Where accounts have logged in from before, in whatever way, as their sessions tell for a month after they ended. */
@Injectable()
export class KnownClients {
  constructor(private readonly dataSource: DataSource) {}

  /** Whether somebody has logged in to the account of this address from this client (`clientOf`). */
  async has(email: string, client: string): Promise<boolean> {
    const sessions = await this.dataSource.query<{ ip: string }[]>(
      `SELECT DISTINCT ip FROM (
         SELECT ip FROM auth.sessions
         WHERE account_id = (SELECT id FROM auth.accounts WHERE email = $1) AND ip IS NOT NULL
         ORDER BY created_at DESC LIMIT ${SESSIONS}
       ) AS latest`,
      [email],
    );
    return sessions.some(({ ip }) => clientOf(ip) === client);
  }
}
