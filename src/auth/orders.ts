import type { DataSource } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { emailAddress } from '../text/email-address.js';

/** What the operator can do to an account, in SQL, and how it is written down. */
const ORDERS = {
  grant: {
    change: "roles = CASE WHEN 'admin' = ANY(roles) THEN roles ELSE array_append(roles, 'admin') END",
    event: 'role_granted',
    details: '{"role": "admin"}',
  },
  revoke: {
    change: "roles = array_remove(roles, 'admin')",
    event: 'role_revoked',
    details: '{"role": "admin"}',
  },
  disable: { change: "status = 'disabled'", event: 'account_disabled', details: '{}' },
  enable: { change: "status = 'active'", event: 'account_enabled', details: '{}' },
} as const;
export type Order = keyof typeof ORDERS;

/** Whether this word is an {@link Order}. */
export function isOrder(word: string | undefined): word is Order {
  return word !== undefined && Object.hasOwn(ORDERS, word);
}

/**
 * Does it to the account with this id or verified e-mail address; false when there is none. An address that nobody has
 * verified may be a stranger's claim. Running servers hear of it within moments (`RevocationNews`) and ask for new access
 * tokens. Who is disabled loses all sessions, so that enabling the account again brings none of them back.
 */
export async function carryOut(order: Order, who: string, database: DataSource): Promise<boolean> {
  const { change, event, details } = ORDERS[order];
  const key = who.trim().toLowerCase();
  const which = isUuid(key) ? 'id = $1' : 'email = $1 AND email_verified_at IS NOT NULL';
  return database.transaction(async (db) => {
    const [[account]] = await db.query<[{ id: string }[], number]>(
      `UPDATE auth.accounts SET ${change} WHERE ${which} AND status <> 'deleted' RETURNING id`,
      [emailAddress.safeParse(who).data ?? key],
    );
    if (account === undefined) return false;
    await db.query('INSERT INTO auth.audit_events (account_id, kind, details) VALUES ($1, $2, $3)', [
      account.id,
      event,
      details,
    ]);
    if (order === 'disable') {
      await db.query(
        `WITH ended AS (
           UPDATE auth.sessions SET ended_at = now(), touched_at = now(), end_reason = 'account_disabled'
           WHERE account_id = $1 AND ended_at IS NULL RETURNING id
         )
         INSERT INTO auth.audit_events (account_id, session_id, kind, details)
         SELECT $1, id, 'session_ended', '{"reason": "account_disabled"}' FROM ended`,
        [account.id],
      );
    }
    return true;
  });
}
