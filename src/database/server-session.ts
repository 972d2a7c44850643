import pg from 'pg';
import { UnsuitableServer } from '../stores/postgres-failures.js';

/** The oldest PostgreSQL whose suites run (docs/compatibility.md). */
const OLDEST_VERSION = 14;
/** A connection that does not answer for so long (ms) is not used. */
const ANSWER_MS = 3_000;

/**
 * Settings of a session that statements rely on, whatever the server, the database and the role have as their defaults.
 * A statement ends before its client is told 503 (http/request-budget.ts), so that none is left behind.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  search_path: 'pg_catalog',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  statement_timeout: '3s',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '10s',
  // Since PostgreSQL 17.
  transaction_timeout: '0',
  // Compiling a statement takes a third of a second where many rows are expected, and running it a few milliseconds.
  jit: 'off',
  // A row that a policy hides would be taken for a session that has ended: with this it is an error (42501).
  row_security: 'off',
};

/** SQL condition: the server takes no writes, as a standby, or a primary that was taken out of service. */
export const READ_ONLY = "(pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean)";

/** A session as {@link INSPECT} finds it. */
export interface ServerSession {
  /** False behind a pooler. */
  readonly direct: boolean;
  readonly readOnly: boolean;
  readonly version: number;
  readonly serverEncoding: string;
  readonly clientEncoding: string;
  readonly isolation: string;
  readonly dateStyle: string;
  readonly standardStrings: string;
  readonly replicationRole: string;
  readonly statementTimeout: string;
  readonly firstSchema: string | null;
  /** At most so many for this user. */
  readonly connections: number;
}

/**
 * Reads what a connection leads to, and sets {@link SETTINGS} where it leads to the server itself. A pooler makes up the
 * process id of its connections, so that `pg_backend_pid()` answers another one; there a `SET` would outlive the
 * transaction on a connection that others use next. Parameters: process id, names, values.
 */
const INSPECT = `
  SELECT
    pg_backend_pid() = $1 AS direct,
    ${READ_ONLY} AS "readOnly",
    current_setting('server_version_num')::integer / 10000 AS version,
    current_setting('server_encoding') AS "serverEncoding",
    current_setting('client_encoding') AS "clientEncoding",
    current_setting('default_transaction_isolation') AS isolation,
    current_setting('DateStyle') AS "dateStyle",
    current_setting('standard_conforming_strings') AS "standardStrings",
    current_setting('session_replication_role') AS "replicationRole",
    current_setting('statement_timeout') AS "statementTimeout",
    (current_schemas(true))[1] AS "firstSchema",
    least(
      current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
      (SELECT nullif(rolconnlimit, -1) FROM pg_catalog.pg_roles WHERE rolname = current_user),
      (SELECT nullif(datconnlimit, -1) FROM pg_catalog.pg_database WHERE datname = current_database())
    ) AS connections,
    (
      SELECT count(set_config(name, wanted.setting, false))
      FROM unnest($2::text[], $3::text[]) AS wanted (name, setting)
      WHERE pg_backend_pid() = $1 AND current_setting(name, true) IS NOT NULL
    )`;

/**
 * Prepares a new connection: sets what statements rely on, or, behind a pooler, checks it.
 * @throws {UnsuitableServer} for a server that would fail later, at some statement; `25006` for one that takes no writes.
 */
export async function prepareSession(client: pg.PoolClient, poolSize: number): Promise<ServerSession> {
  const { processID } = client as unknown as { readonly processID: number };
  const {
    rows: [session],
  } = await client.query<ServerSession>({
    text: INSPECT,
    values: [processID, Object.keys(SETTINGS), Object.values(SETTINGS)],
    query_timeout: ANSWER_MS,
  } as pg.QueryConfig);
  if (session === undefined) throw new Error('the server says nothing about itself');
  requireServer(session, poolSize);
  if (!session.direct) requireDefaults(session);
  if (session.readOnly) throw readOnlyServer();
  return session;
}

/** The error of a server that takes no writes, as the server itself gives it at the first write. */
export function readOnlyServer(): pg.DatabaseError {
  return databaseError('25006', 'the server takes no writes');
}

/** The error of a table whose rows a policy may hide, as the server itself gives it with `row_security = off`. */
export function rowsHidden(): pg.DatabaseError {
  return databaseError('42501', 'row-level security applies to the tables of sessions');
}

function databaseError(code: string, message: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, 0, 'error'), { code, severity: 'ERROR' });
}

function requireServer(session: ServerSession, poolSize: number): void {
  const { version, serverEncoding, clientEncoding, replicationRole, connections, direct } = session;
  if (version < OLDEST_VERSION) {
    throw new UnsuitableServer(
      `DATABASE_URL leads to PostgreSQL ${version}; Daemun needs ${OLDEST_VERSION} or newer. Upgrade the server.`,
    );
  }
  if (serverEncoding !== 'UTF8') {
    throw new UnsuitableServer(
      `DATABASE_URL leads to a database in ${serverEncoding}, which cannot store every text. ` +
        "Create one in UTF-8 and name that: CREATE DATABASE daemun ENCODING 'UTF8' TEMPLATE template0;",
    );
  }
  if (clientEncoding !== 'UTF8' && !direct) {
    throw new UnsuitableServer(
      `DATABASE_URL: the pooler's connections have client_encoding ${clientEncoding}. Set it to UTF8 there.`,
    );
  }
  if (replicationRole !== 'origin') {
    throw new UnsuitableServer(
      `DATABASE_URL: session_replication_role is ${replicationRole}, so that triggers do not run. ${setting('session_replication_role', 'origin')}`,
    );
  }
  if (direct && poolSize > connections) {
    throw new UnsuitableServer(
      `DATABASE_POOL is ${poolSize}, and the server lets this user have at most ${connections} connections ` +
        '(max_connections, CONNECTION LIMIT of the role or the database). Lower DATABASE_POOL, raise the limit, or use a pooler.',
    );
  }
}

/** Behind a pooler the defaults of the role hold for each statement. */
function requireDefaults({ isolation, dateStyle, standardStrings, firstSchema }: ServerSession): void {
  const refuse = (name: string, is: string, needed: string): void => {
    throw new UnsuitableServer(
      `DATABASE_URL leads to a pooler, behind which ${name} is "${is}". ${setting(name, needed)}`,
    );
  };
  if (isolation !== 'read committed') refuse('default_transaction_isolation', isolation, 'read committed');
  if (!dateStyle.startsWith('ISO')) refuse('DateStyle', dateStyle, 'ISO, YMD');
  if (standardStrings !== 'on') refuse('standard_conforming_strings', standardStrings, 'on');
  if (firstSchema !== 'pg_catalog' && firstSchema?.startsWith('pg_temp') !== true) {
    refuse('search_path', `${firstSchema}, …`, 'public');
  }
}

function setting(name: string, value: string): string {
  return `For the user in DATABASE_URL: ALTER ROLE … SET ${name} TO '${value}'; then reconnect (RECONNECT in PgBouncer).`;
}
