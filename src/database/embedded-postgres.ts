import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { makeDataDir } from '../config/data-dir.js';
import { OperatorError } from '../config/operator-error.js';
import { LockHeld, takeLock } from './folder-lock.js';

/**
 * PostgreSQL inside this process (PGlite), behind the wire protocol on a unix socket that only this user can open, so
 * that `pg` and TypeORM are the same as in production. It has one backend for all connections: session state, such as
 * named prepared statements, is shared between them.
 */
export class EmbeddedPostgres {
  /** A part of the socket's file name; nothing listens on TCP. */
  readonly port = 5432;

  private constructor(
    readonly socketDir: string,
    private readonly database: PGlite,
    private readonly server: PGLiteSocketServer,
    private readonly release: () => void,
  ) {}

  /**
   * Opens the database under `<dataDir>/postgres`, creating it the first time (a few seconds).
   * @throws {EmbeddedDatabaseInUse} when another process has it open: two would destroy it.
   */
  static async open(dataDir: string): Promise<EmbeddedPostgres> {
    makeDataDir(dataDir);
    const release = await lock(resolve(dataDir, 'postgres.lock'));
    try {
      const files = resolve(dataDir, 'postgres');
      // It makes files that anybody may read, so nobody else comes into their folder.
      makeDataDir(files);
      chmodSync(files, 0o700);
      const database = keepQueriesWhole(await openFiles(files));
      const socketDir = mkdtempSync(join(tmpdir(), 'daemun-'));
      const server = new PGLiteSocketServer({
        db: database,
        path: join(socketDir, '.s.PGSQL.5432'),
        maxConnections: 100,
      });
      await server.start();
      return new EmbeddedPostgres(socketDir, database, server, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  async close(): Promise<void> {
    try {
      await this.server.stop();
      await this.database.close();
    } finally {
      rmSync(this.socketDir, { recursive: true, force: true });
      this.release();
    }
  }
}

/** @throws {OperatorError} where the files cannot be written or read; PGlite throws what is no Error for some of that. */
async function openFiles(files: string): Promise<PGlite> {
  try {
    return await PGlite.create(files);
  } catch (cause) {
    const { code, name, message } = (cause ?? {}) as { code?: unknown; name?: unknown; message?: unknown };
    throw new OperatorError(
      `The embedded database in DATA_DIR cannot be opened (${String(message ?? code ?? name)}). Either the disk is full or cannot be ` +
        'written: make room, or name another folder. Or its files are damaged: restore a backup of the folder, or remove it ' +
        'to begin with an empty database.',
      { cause },
    );
  }
}

/** Another process has the embedded database open. */
export class EmbeddedDatabaseInUse extends OperatorError {
  /** In words. */
  readonly owner: string;

  constructor(cause: LockHeld) {
    super(
      `the embedded database is in use by ${cause.owner}; ` +
        'stop it, set another DATA_DIR, or set DATABASE_URL to share one PostgreSQL between processes',
      { cause },
    );
    this.owner = cause.owner;
    this.name = 'EmbeddedDatabaseInUse';
  }
}

async function lock(path: string): Promise<() => void> {
  try {
    return await takeLock(path);
  } catch (error) {
    if (error instanceof LockHeld) throw new EmbeddedDatabaseInUse(error);
    const { code } = error as NodeJS.ErrnoException;
    throw new OperatorError(`DATA_DIR has a postgres.lock that cannot be used (${code}).`, { cause: error });
  }
}

/** Parse, Bind, Describe, Execute, Close and Flush: what follows them, up to a Sync, belongs to the same query. */
const UNFINISHED = new Set(Buffer.from('PBDECH'));

/**
 * The socket server runs message after message of whichever connection comes first, and stays with one connection only
 * while that is in a transaction. In between the messages of a query with parameters another's could replace the
 * statement, which then fails or answers the wrong question (electric-sql/pglite#1046). So the database says that it is
 * in a transaction until the query's last message, too.
 */
function keepQueriesWhole(database: PGlite): PGlite {
  const run = database.execProtocolRawStream.bind(database);
  const isInTransaction = database.isInTransaction.bind(database);
  let unfinished = false;
  database.execProtocolRawStream = (message, options) => {
    unfinished = UNFINISHED.has(message[0] ?? 0);
    return run(message, options);
  };
  database.isInTransaction = () => unfinished || isInTransaction();
  return database;
}
