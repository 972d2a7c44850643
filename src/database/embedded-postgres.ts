import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { makeDataDir } from '../data-dir.js';
import { OperatorError } from '../operator-error.js';

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
    const release = takeLock(resolve(dataDir, 'postgres.lock'));
    try {
      const database = keepQueriesWhole(await PGlite.create(resolve(dataDir, 'postgres')));
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
    await this.server.stop();
    await this.database.close();
    rmSync(this.socketDir, { recursive: true, force: true });
    this.release();
  }
}

/** Another process has the embedded database open. */
export class EmbeddedDatabaseInUse extends OperatorError {
  constructor(
    readonly owner: number,
    lock: string,
  ) {
    super(
      `the embedded database is in use by process ${owner} (if that is something else, delete ${lock}); ` +
        'stop it, set another DATA_DIR, or set DATABASE_URL to share one PostgreSQL between processes',
    );
    this.name = 'EmbeddedDatabaseInUse';
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

/** The locks that this very process holds: in a container every process before us had our id, too. */
const held = new Set<string>();

/** A file with our process id in it. One that names a process which is gone (after `kill -9`) is taken over. */
function takeLock(path: string): () => void {
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
      held.add(path);
      return () => {
        held.delete(path);
        rmSync(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = Number(readFileSync(path, 'utf8'));
    if (owner === process.pid ? held.has(path) : isRunning(owner)) {
      throw new EmbeddedDatabaseInUse(owner, path);
    }
    rmSync(path, { force: true });
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
