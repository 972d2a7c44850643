import type { AuditEventKind } from './catalogue.js';

/** SQL expressions for the columns of audit events. */
interface AuditEventColumns {
  /** One kind for all rows, or a kind for each value of a column. */
  readonly kind:
    AuditEventKind | { readonly column: string; readonly kinds: Readonly<Record<string, AuditEventKind>> };
  readonly accountId: string;
  readonly sessionId?: string;
  readonly details?: string;
  /** FROM clause with one row for each event; one event where it is left out. */
  readonly from?: string;
}

/** Returns the INSERT of audit events: a statement, or a CTE of the statement that makes the change. */
export function insertAuditEvents({
  kind,
  accountId,
  sessionId = 'NULL',
  details = `'{}'`,
  from,
}: AuditEventColumns): string {
  return `INSERT INTO auth.audit_events (account_id, session_id, kind, details)
    SELECT ${accountId}, ${sessionId}, ${kindSql(kind)}, ${details}${from === undefined ? '' : ` FROM ${from}`}`;
}

function kindSql(kind: AuditEventColumns['kind']): string {
  if (typeof kind === 'string') return `'${kind}'`;
  const branches = Object.entries(kind.kinds).map(([value, each]) => `WHEN '${value}' THEN '${each}'`);
  return `CASE ${kind.column} ${branches.join(' ')} END`;
}
