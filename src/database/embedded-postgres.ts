import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

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
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const release = takeLock(resolve(dataDir, 'postgres.lock'));
    try {
      const database = await PGlite.create(resolve(dataDir, 'postgres'));
      const socketDir = mkdtempSync(join(tmpdir(), 'daemun-'));
      const server = new PGLiteSocketServer({
        db: oneConversationAtATime(database),
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
export class EmbeddedDatabaseInUse extends Error {
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

/** The first bytes of the messages that begin or continue an extended query (Parse, Bind, Describe, Execute, Close, Flush). */
const EXTENDED_QUERY: ReadonlySet<number | undefined> = new Set(Buffer.from('PBDECH'));

/**
 * The socket server hands over one message at a time, and lets other connections in between unless a transaction is
 * open. An extended query is several messages up to Sync, and shares the backend's one unnamed statement: it must not
 * be interrupted either.
 */
function oneConversationAtATime(database: PGlite): PGlite {
  let withinQuery = false;
  const facade: Pick<
    PGlite,
    'waitReady' | 'isInTransaction' | 'runExclusive' | 'execProtocolRawStream' | 'exec'
  > = {
    waitReady: database.waitReady,
    isInTransaction: () => withinQuery || database.isInTransaction(),
    runExclusive: (work) => database.runExclusive(work),
    execProtocolRawStream: (message, options) => {
      withinQuery = EXTENDED_QUERY.has(message[0]);
      return database.execProtocolRawStream(message, options);
    },
    // How the server cleans up after a connection that went away in the middle.
    exec: (statement, options) => {
      withinQuery = false;
      return database.exec(statement, options);
    },
  };
  return facade as PGlite;
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
