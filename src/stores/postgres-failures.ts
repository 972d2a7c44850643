import { types } from 'node:util';
import { OperatorError } from '../config/operator-error.js';
import { networkFailureOf } from './network-failures.js';
import type { StoreFailure } from './store-failure.js';

/** Transient failure: the client may repeat the request. */
const unavailable = (reason: string, remedy: string): StoreFailure => ({
  reason,
  client: 'unavailable',
  connection: 'keep',
  losesReadiness: false,
  transient: true,
  remedy,
});
/** Rollback because of a concurrent transaction: the work is repeated at once. */
const retried = (reason: string, remedy: string): StoreFailure => ({
  ...unavailable(reason, remedy),
  client: 'retry',
});
/** Unknown name of a prepared statement: the statement is repeated without name. */
const retriedUnnamed = (reason: string, remedy: string): StoreFailure => ({
  ...unavailable(reason, remedy),
  client: 'retry_unnamed',
});
/** The server closes the connection, or may have closed it. */
const dropped = (reason: string, remedy: string): StoreFailure => ({
  ...unavailable(reason, remedy),
  connection: 'drop',
});
/** A statement that would fail again; at a start it is a migration. */
const defect = (reason: string, remedy: string): StoreFailure => ({
  ...unavailable(reason, remedy),
  transient: false,
});
/** During this failure the process cannot serve logins, refreshes or writes. */
const notReady = (failure: StoreFailure): StoreFailure => ({ ...failure, losesReadiness: true });
/** Permanent failure, which only an operator can end. */
const permanent = (reason: string, remedy: string): StoreFailure => ({
  ...notReady(unavailable(reason, remedy)),
  transient: false,
});

/** Error of a server whose version, encoding or settings make it unusable. The message has cause and remedy. */
export class UnsuitableServer extends OperatorError {}

/** Error of a connection that could not be opened, without a row in the table; `cause` is the error of the library. */
export class ConnectFailed extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : 'the connection cannot be opened', { cause });
    this.name = 'ConnectFailed';
  }
}

const SCHEMA_MISMATCH = permanent(
  'schema_mismatch',
  'The tables are not those of this version of Daemun: restart the process, which runs the migrations, or restore the backup of this version.',
);

/**
 * Failures of PostgreSQL by SQLSTATE, or by its class (the first two characters). A complete SQLSTATE takes precedence.
 * Source: PostgreSQL documentation, appendix A. `docs/store-failures.md` has the same table for operators.
 */
export const POSTGRES_FAILURES: Readonly<Record<string, StoreFailure>> = {
  '08': notReady(
    dropped(
      'connection_failed',
      'DATABASE_URL: the server or the pooler closed the connection; check that both run.',
    ),
  ),
  '08P01': notReady(
    dropped(
      'pooler_refused',
      'DATABASE_URL: a pooler refused the connection or ended it; see its log and its limits (max_client_conn, query_wait_timeout).',
    ),
  ),
  '0A000': retriedUnnamed(
    'feature_not_supported',
    'A migration changed the result of a prepared statement, or the server does not support a statement.',
  ),
  '22': defect('data_rejected', 'The server refused a value. This is a defect of Daemun: please report it.'),
  '23': defect('constraint_violated', 'Two requests changed the same rows at once; the client may repeat.'),
  '25': dropped('transaction_state', 'A connection was in an unexpected transaction state and is closed.'),
  '25006': {
    ...notReady(
      unavailable(
        'read_only',
        'DATABASE_URL leads to a server that takes no writes: a replica, a former primary, or one with default_transaction_read_only on for server, database or role. Point it to the primary, or reset that setting.',
      ),
    ),
    connection: 'drop_all',
  },
  '26000': retriedUnnamed(
    'prepared_statement_lost',
    'A pooler in transaction mode changes connections between statements: prepared statements are not used any more.',
  ),
  '28': permanent(
    'login_refused',
    'DATABASE_URL: the server refuses the user or the password; check both, and pg_hba.conf. A server that takes TLS only needs ?sslmode=verify-full.',
  ),
  '3D000': permanent(
    'database_missing',
    'DATABASE_URL names a database that does not exist: create it with ENCODING UTF8.',
  ),
  '3F000': permanent(
    'schema_missing',
    'A schema of Daemun is missing: restart the process, which runs the migrations.',
  ),
  '40': unavailable(
    'transaction_rolled_back',
    'The server rolled a transaction back; the client may repeat.',
  ),
  '40001': retried(
    'serialization_failure',
    "Transactions ran in a stricter isolation level than READ COMMITTED: ALTER ROLE … SET default_transaction_isolation = 'read committed'.",
  ),
  '40P01': retried('deadlock_detected', 'Two transactions waited for each other; one of them is repeated.'),
  '42': defect(
    'statement_rejected',
    'The server rejects a statement. This is a defect of Daemun: please report it.',
  ),
  '42P01': SCHEMA_MISMATCH,
  '42703': SCHEMA_MISMATCH,
  '42501': permanent(
    'permission_denied',
    'The user in DATABASE_URL lacks a privilege: it has to own the schemas auth, profile, board and daemun, or have CREATE on the database; and row-level security must not apply to it.',
  ),
  '42P05': retriedUnnamed(
    'prepared_statement_exists',
    'A pooler in transaction mode shares connections between processes: prepared statements are not used any more.',
  ),
  '53': notReady(
    unavailable('insufficient_resources', 'The database server is short of a resource; see its log.'),
  ),
  '53100': notReady(
    unavailable('disk_full', 'The disk of the database server is full: make room on it, or enlarge it.'),
  ),
  '53200': notReady(
    unavailable(
      'out_of_memory',
      'The database server is out of memory: lower work_mem or the number of connections.',
    ),
  ),
  '53300': notReady(
    unavailable(
      'too_many_connections',
      'The database server has no connection left: DATABASE_POOL times the number of processes must be below max_connections; or use a pooler.',
    ),
  ),
  '54': defect(
    'limit_exceeded',
    'A statement exceeds a limit of the server. This is a defect of Daemun: please report it.',
  ),
  '55': unavailable(
    'object_in_use',
    'Another session holds a lock, for example a schema change; the client may repeat.',
  ),
  '57': notReady(dropped('server_stopping', 'The database server stops, restarts or recovers.')),
  '57014': unavailable(
    'statement_timeout',
    'A statement took longer than its limit; look for locks and missing resources.',
  ),
  '58': notReady(
    dropped('server_io_error', 'The database server cannot read or write its files; see its log.'),
  ),
  F0: notReady(
    dropped('server_misconfigured', 'The configuration of the database server has errors; see its log.'),
  ),
  XX: notReady(
    dropped(
      'server_internal_error',
      'The database server reports an internal error or damaged data; see its log.',
    ),
  ),
};

/** Failure for a SQLSTATE without a row. */
const UNKNOWN = dropped(
  'unknown_database_error',
  'The database server reports an unknown error; see its log.',
);

const CONNECT_FAILED = notReady(
  dropped(
    'connection_failed',
    'DATABASE_URL: the connection cannot be opened; the log has the error of the client library.',
  ),
);

/** Violation of a constraint of `auth.audit_events`, which concurrent requests cannot cause. */
const AUDIT_EVENTS_REFUSED = permanent(
  'audit_events_refused',
  "The table auth.audit_events refuses new rows, so that accounts and sessions cannot be changed. After a restore or a fail-over that left sequences behind: SELECT setval('auth.audit_events_id_seq', (SELECT max(id) FROM auth.audit_events));",
);

/** Failures by message: messages that are more specific than their SQLSTATE (PgBouncer), and errors of the client library. */
const BY_MESSAGE: readonly (readonly [RegExp, StoreFailure])[] = [
  [
    /^(unsupported startup parameter|unrecognized configuration parameter|invalid value for parameter|invalid command-line argument)/,
    permanent(
      'startup_parameter_refused',
      'DATABASE_URL: the server or the pooler refuses a parameter of the URL, such as options: correct or remove it.',
    ),
  ],
  [
    /^transaction blocks not allowed in statement pooling mode/,
    permanent(
      'pool_mode_statement',
      'DATABASE_URL leads to a pooler in statement mode: set pool_mode = transaction or session there.',
    ),
  ],
  [
    /^(no such database|database .* does not exist|.*: FATAL: +database .* does not exist)/,
    permanent(
      'database_missing',
      'DATABASE_URL names a database that does not exist, or that the pooler does not know: create it with ENCODING UTF8.',
    ),
  ],
  [
    /^received invalid response/,
    {
      ...permanent(
        'not_postgresql',
        'DATABASE_URL: what answers at the address is not PostgreSQL. Check host and port.',
      ),
      connection: 'drop',
    },
  ],
  [
    /^timeout exceeded when trying to connect/,
    unavailable(
      'pool_exhausted',
      'DATABASE_POOL: every connection is in use, or the server does not answer; look for slow statements, or enlarge the pool.',
    ),
  ],
  [
    /^There was an error establishing an SSL connection/,
    notReady(
      dropped(
        'tls_mismatch',
        'DATABASE_URL asks for TLS (sslmode), and what answers is not PostgreSQL, or cannot take a connection now. Check host and port.',
      ),
    ),
  ],
  [
    /^The server does not support SSL connections/,
    permanent(
      'tls_not_supported',
      'DATABASE_URL asks for TLS (sslmode), and the server has none: switch it on there, or use sslmode=disable.',
    ),
  ],
  [
    /^(Received unexpected|Unknown message code|Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout|Driver not Connected|Cannot use a pool after calling end|Query runner already released|Database connection provided by a query runner was already released|Transaction is not started yet)/,
    notReady(
      dropped(
        'connection_lost',
        'DATABASE_URL: the connection to the server was lost; check the network and the server.',
      ),
    ),
  ],
  [
    /^(SASL|Unknown authenticationOk message type|password authentication|no such user|.*: FATAL: +password authentication)/,
    permanent(
      'login_refused',
      'DATABASE_URL: the server or the pooler refuses the user or the password, or no password is given. Check both.',
    ),
  ],
];

const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Returns the row for an error of PostgreSQL, its client library or the network; undefined for any other error. */
export function postgresFailureOf(error: unknown): StoreFailure | undefined {
  // TypeORM wraps the error of the library.
  const { driverError = error } = (error ?? {}) as { driverError?: unknown };
  if (driverError instanceof UnsuitableServer) return permanent('server_unsuitable', driverError.message);
  if (!(types.isNativeError(driverError) || driverError instanceof Error)) return undefined;
  if (driverError instanceof ConnectFailed) return CONNECT_FAILED;
  const byMessage = BY_MESSAGE.find(([pattern]) => pattern.test(driverError.message))?.[1];
  if (byMessage !== undefined) return byMessage;
  const { code, severity, table } = driverError as { code?: unknown; severity?: unknown; table?: unknown };
  if (String(code).startsWith('23') && table === 'audit_events') return AUDIT_EVENTS_REFUSED;
  if (typeof code === 'string' && typeof severity === 'string' && SQLSTATE.test(code)) {
    return POSTGRES_FAILURES[code] ?? POSTGRES_FAILURES[code.slice(0, 2)] ?? UNKNOWN;
  }
  return networkFailureOf(driverError, 'DATABASE_URL');
}
