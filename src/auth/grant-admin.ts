import { IsNull, Not, type DataSource } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { Account } from './account.entity.js';

/**
 * Gives the role `admin` to the account with this id or verified e-mail address; false when there is none. An address
 * that nobody has verified may be a stranger's claim. Running servers hear of it within moments
 * (`RevocationNews`) and ask for new access tokens.
 */
export async function grantAdmin(database: DataSource, who: string): Promise<boolean> {
  const account = isUuid(who)
    ? { id: who }
    : { email: who.trim().toLowerCase(), emailVerifiedAt: Not(IsNull()) };
  const { affected } = await database.getRepository(Account).update(account, {
    changedAt: () => 'now()',
    roles: () => "CASE WHEN 'admin' = ANY(roles) THEN roles ELSE array_append(roles, 'admin') END",
  });
  if (affected !== 1) return false;
  const { id } = await database.getRepository(Account).findOneByOrFail(account);
  await database.query(
    `INSERT INTO auth.audit_events (account_id, kind, details) VALUES ($1, 'role_granted', '{"role": "admin"}')`,
    [id],
  );
  return true;
}
