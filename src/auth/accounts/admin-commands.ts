import type { DataSource } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { rowsOf } from '../../database/rows.js';
import { emailAddress } from '../../text/email-address.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import type { AuditEventKind } from '../audit/catalogue.js';
import { endSessions } from '../sessions/end-sessions.sql.js';

/** What the operator can do to an account, in SQL, and how it is written down. */
const COMMANDS = {
  grant: {
    change: "roles = CASE WHEN 'admin' = ANY(roles) THEN roles ELSE array_append(roles, 'admin') END",
    event: 'role_granted',
    details: { role: 'admin' },
  },
  revoke: {
    change: "roles = array_remove(roles, 'admin')",
    event: 'role_revoked',
    details: { role: 'admin' },
  },
  disable: { change: "status = 'disabled'", event: 'account_disabled', details: {} },
  enable: { change: "status = 'active'", event: 'account_enabled', details: {} },
} as const satisfies Record<
  string,
  {
    readonly change: string;
    readonly event: AuditEventKind;
    readonly details: Readonly<Record<string, string>>;
  }
>;
export type AdminCommand = keyof typeof COMMANDS;

/** Whether this word is an {@link AdminCommand}. */
export function isAdminCommand(word: string | undefined): word is AdminCommand {
  return word !== undefined && Object.hasOwn(COMMANDS, word);
}

/**
 * Does it to the account with this id or verified e-mail address; false when there is none. An address that nobody has
 * verified may be a stranger's claim. Running servers hear of it within moments (`RevocationNews`) and ask for new access
 * tokens. Who is disabled loses all sessions, so that enabling the account again brings none of them back.
 */
export async function runAdminCommand(
  order: AdminCommand,
  who: string,
  database: DataSource,
): Promise<boolean> {
  const { change, event, details } = COMMANDS[order];
  const key = who.trim().toLowerCase();
  const which = isUuid(key) ? 'id = $1' : 'email = $1 AND email_verified_at IS NOT NULL';
  return database.transaction(async (db) => {
    const [account] = await rowsOf<{ id: string }>(
      db,
      `UPDATE auth.accounts SET ${change} WHERE ${which} AND status <> 'deleted' RETURNING id`,
      [emailAddress.safeParse(who).data ?? key],
    );
    if (account === undefined) return false;
    await recordAuditEvent(db, { accountId: account.id, kind: event, details });
    if (order === 'disable')
      await db.query(endSessions('account_id = $1'), [account.id, 'account_disabled', null]);
    return true;
  });
}
