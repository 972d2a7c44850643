import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { makeDataDir } from '../config/data-dir.js';
import { OperatorError } from '../config/operator-error.js';
import { LockHeld, takeLock } from './folder-lock.js';

/**
 * PostgreSQL inside this process (PGlite). It serves the wire protocol on a Unix socket that only this user can open, so
 * that `pg` and TypeORM are used as in production. It has one backend: connections share session state, such as named
 * prepared statements.
 */
export class EmbeddedPostgres {
  /** Part of the socket's file name. No TCP port is opened. */
  readonly port = 5432;

  private constructor(
    readonly socketDir: string,
    private readonly database: PGlite,
    private readonly server: PGLiteSocketServer,
    private readonly release: () => void,
  ) {}

  /**
   * Opens the database in `<dataDir>/postgres`. The first time it is created, which takes a few seconds.
   * @throws {EmbeddedDatabaseInUse} if another process has it open: two processes would corrupt the files.
   */
  static async open(dataDir: string): Promise<EmbeddedPostgres> {
    makeDataDir(dataDir);
    const release = await lockFolder(resolve(dataDir, 'postgres.lock'));
    try {
      const files = resolve(dataDir, 'postgres');
      // PGlite creates files that all users may read, so their folder is closed to other users.
      makeDataDir(files);
      chmodSync(files, 0o700);
      const database = serializeQueries(await openFiles(files));
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

/** @throws {OperatorError} if the files cannot be read or written. PGlite throws other values than errors in some cases. */
async function openFiles(files: string): Promise<PGlite> {
  try {
    return await PGlite.create(files);
  } catch (cause) {
    const { code, name, message } = (cause ?? {}) as { code?: unknown; name?: unknown; message?: unknown };
    throw new OperatorError(
      `The embedded database in DATA_DIR cannot be opened (${String(message ?? code ?? name)}). If the disk is full or cannot be ` +
        'written, free space or set another folder. If the files are damaged, restore a backup of the folder, or remove it to ' +
        'start with an empty database.',
      { cause },
    );
  }
}

/** Error of an embedded database that another process has open. */
export class EmbeddedDatabaseInUse extends OperatorError {
  /** Description of the process, for messages. */
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

async function lockFolder(path: string): Promise<() => void> {
  try {
    return await takeLock(path);
  } catch (error) {
    if (error instanceof LockHeld) throw new EmbeddedDatabaseInUse(error);
    const { code } = error as NodeJS.ErrnoException;
    throw new OperatorError(`DATA_DIR has a postgres.lock that cannot be used (${code}).`, { cause: error });
  }
}

/** Message types Parse, Bind, Describe, Execute, Close and Flush. The query continues until a Sync. */
const UNFINISHED = new Set(Buffer.from('PBDECH'));

/**
 * Keeps messages of other connections out of a query. The socket server interleaves connections except in transactions, so
 * that between the messages of a query with parameters another connection could replace the statement, which then fails or
 * returns rows of the other one (electric-sql/pglite#1046). The database therefore reports a transaction until the last
 * message of a query.
 */
function serializeQueries(database: PGlite): PGlite {
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
