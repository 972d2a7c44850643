import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { clientOf } from '../../rate-limits/client-address.js';

/** Latest sessions of an account that are read, because this process compares each of their addresses. */
const SESSIONS = 1_000;

/** Clients from which accounts have logged in, by any method. Read from sessions, which are kept for a month after their end. */
@Injectable()
export class KnownClients {
  constructor(private readonly dataSource: DataSource) {}

  /** Returns true if the account of the e-mail address has logged in from the client (`clientOf`). */
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
