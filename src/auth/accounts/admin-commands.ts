import type { DataSource } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { rowsOf } from '../../database/rows.js';
import { emailAddress } from '../../text/email-address.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import type { AuditEventKind } from '../audit/catalogue.js';
import { endSessions } from '../sessions/end-sessions.sql.js';

/** Commands of the operator: the SQL of the change, and its audit event. */
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

export function isAdminCommand(word: string | undefined): word is AdminCommand {
  return word !== undefined && Object.hasOwn(COMMANDS, word);
}

/**
 * Runs a command on the account with an id or a verified e-mail address. Returns false when there is none: an unverified
 * address may have been registered by a stranger. Running servers revoke the account's access tokens at their next poll.
 * Disabling an account ends its sessions, so that enabling it later restores none of them.
 */
export async function runAdminCommand(
  command: AdminCommand,
  idOrEmail: string,
  database: DataSource,
): Promise<boolean> {
  const { change, event, details } = COMMANDS[command];
  const key = idOrEmail.trim().toLowerCase();
  const condition = isUuid(key) ? 'id = $1' : 'email = $1 AND email_verified_at IS NOT NULL';
  return database.transaction(async (db) => {
    const [account] = await rowsOf<{ id: string }>(
      db,
      `UPDATE auth.accounts SET ${change} WHERE ${condition} AND status <> 'deleted' RETURNING id`,
      [emailAddress.safeParse(idOrEmail).data ?? key],
    );
    if (account === undefined) return false;
    await recordAuditEvent(db, { accountId: account.id, kind: event, details });
    if (command === 'disable')
      await db.query(endSessions('account_id = $1'), [account.id, 'account_disabled', null]);
    return true;
  });
}
