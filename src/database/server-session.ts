import pg from 'pg';
import { UnsuitableServer } from '../stores/postgres-failures.js';

/** Oldest supported version of PostgreSQL (docs/compatibility.md). */
const OLDEST_VERSION = 14;
/** Time limit for the inspection of a new connection. */
const INSPECT_TIMEOUT_MS = 3_000;

/**
 * Session settings that statements rely on, independently of the defaults of server, database and role. `statement_timeout`
 * is shorter than the time limit of a response (http/request-budget.ts), so that no statement outlives its request.
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
  // Compiling a statement takes about 300 ms if many rows are estimated, and running it a few milliseconds.
  jit: 'off',
  // A row that a policy hides would look like an ended session. With this setting it is an error (42501).
  row_security: 'off',
};

/** SQL condition for a server that refuses writes: a standby, or a primary with read-only transactions. */
export const READ_ONLY = "(pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean)";

/** Result of {@link INSPECT}. */
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
  /** Largest number of connections of this user. */
  readonly connections: number;
}

/**
 * Inspects a session, and sets {@link SETTINGS} unless the connection leads to a pooler. A pooler reports an invented process
 * id, which differs from `pg_backend_pid()`. Behind a pooler a `SET` would outlive the transaction, on a connection that
 * other clients use next. Parameters: process id, names, values.
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
 * Prepares a new connection: sets the session settings or, behind a pooler, checks them.
 * @throws {UnsuitableServer} for a server on which statements would fail; `25006` for a server that refuses writes.
 */
export async function prepareSession(client: pg.PoolClient, poolSize: number): Promise<ServerSession> {
  const { processID } = client as unknown as { readonly processID: number };
  const {
    rows: [session],
  } = await client.query<ServerSession>({
    text: INSPECT,
    values: [processID, Object.keys(SETTINGS), Object.values(SETTINGS)],
    query_timeout: INSPECT_TIMEOUT_MS,
  } as pg.QueryConfig);
  if (session === undefined) throw new Error('the inspection of the session returned no row');
  requireServer(session, poolSize);
  if (!session.direct) requireDefaults(session);
  if (session.readOnly) throw readOnlyServer();
  return session;
}

/** Returns the error that a server gives at a write if it refuses writes. */
export function readOnlyServer(): pg.DatabaseError {
  return databaseError('25006', 'the server takes no writes');
}

/** Returns the error that a server with `row_security = off` gives for a table with a row-level policy. */
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
      `DATABASE_URL: session_replication_role is ${replicationRole}, so that triggers do not run. ${remedy('session_replication_role', 'origin')}`,
    );
  }
  if (direct && poolSize > connections) {
    throw new UnsuitableServer(
      `DATABASE_POOL is ${poolSize}, and the server lets this user have at most ${connections} connections ` +
        '(max_connections, CONNECTION LIMIT of the role or the database). Lower DATABASE_POOL, raise the limit, or use a pooler.',
    );
  }
}

/** Checks the defaults of the role, which apply to each statement behind a pooler. */
function requireDefaults({ isolation, dateStyle, standardStrings, firstSchema }: ServerSession): void {
  const refuse = (name: string, value: string, needed: string): void => {
    throw new UnsuitableServer(
      `DATABASE_URL leads to a pooler, behind which ${name} is "${value}". ${remedy(name, needed)}`,
    );
  };
  if (isolation !== 'read committed') refuse('default_transaction_isolation', isolation, 'read committed');
  if (!dateStyle.startsWith('ISO')) refuse('DateStyle', dateStyle, 'ISO, YMD');
  if (standardStrings !== 'on') refuse('standard_conforming_strings', standardStrings, 'on');
  if (firstSchema !== 'pg_catalog' && firstSchema?.startsWith('pg_temp') !== true) {
    refuse('search_path', `${firstSchema}, …`, 'public');
  }
}

function remedy(name: string, value: string): string {
  return `For the user in DATABASE_URL: ALTER ROLE … SET ${name} TO '${value}'; then reconnect (RECONNECT in PgBouncer).`;
}
