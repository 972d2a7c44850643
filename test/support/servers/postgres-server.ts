import {
  execFileSync,
  spawn,
  spawnSync,
  type ChildProcess,
  type ExecFileSyncOptions,
} from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { CertificateFiles } from './certificates.js';
import { findPostgres } from './installed.mjs';
import { freePorts } from './ports.mjs';

/** Options of {@link PostgresServer}. */
export interface PostgresOptions {
  /** Folder of `initdb` and `postgres`. Default: the newest that is installed. */
  readonly bin?: string;
  /** Lines of `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Accepts TLS connections only, with this certificate. */
  readonly certificate?: CertificateFiles;
}

/** PostgreSQL server in a temporary folder, on a free port. */
export class PostgresServer {
  private constructor(
    readonly url: string,
    readonly port: number,
    private readonly launch: () => Promise<ChildProcess>,
    private process: ChildProcess,
    private readonly dir: string,
  ) {}

  static async start(options: PostgresOptions = {}): Promise<PostgresServer> {
    const { bin = findPostgres(), settings = {}, certificate } = options;
    if (bin === undefined) throw new Error('PostgreSQL is not installed');
    const dir = mkdtempSync(join(tmpdir(), 'daemun-postgres-'));
    const [port = 0] = await freePorts(1);
    // PostgreSQL refuses to run as root; Debian's package creates the user `postgres`.
    const root = userInfo().uid === 0;
    const owner = root ? { uid: idOf('-u'), gid: idOf('-g') } : {};
    if (root) chownSync(dir, idOf('-u'), idOf('-g'));
    const data = join(dir, 'data');
    const as = { ...owner, stdio: 'ignore', cwd: dir } as const;
    const template = process.env['TEST_POSTGRES_TEMPLATE'];
    if (template !== undefined && options.bin === undefined) execFileSync('cp', ['-a', template, data], as);
    else initdb(bin, data, as);
    const all = { listen_addresses: '127.0.0.1', unix_socket_directories: dir, fsync: 'off', ...settings };
    const tls = certificate && useTls(data, certificate, owner);
    appendFileSync(
      join(data, 'postgresql.conf'),
      Object.entries({ ...all, ...tls })
        .map(([name, value]) => `${name} = '${value}'\n`)
        .join(''),
    );
    const url = `postgres://daemun@127.0.0.1:${port}/postgres`;
    // The Unix socket needs no TLS.
    const local = `postgres://daemun@localhost:${port}/postgres?host=${dir}`;
    const launch = async (): Promise<ChildProcess> => {
      const server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port)], as);
      // A server that a failed test left running must not keep the run from ending, and is stopped with it.
      server.unref();
      const quit = () => void server.kill('SIGQUIT');
      process.once('exit', quit);
      server.once('exit', () => process.off('exit', quit));
      await untilReady(local);
      return server;
    };
    return new PostgresServer(url, port, launch, await launch(), dir);
  }

  /** URL of the Unix socket. */
  get socketUrl(): string {
    return `postgres://daemun@localhost:${this.port}/postgres?host=${encodeURIComponent(this.dir)}`;
  }

  /** Runs statements as the superuser, one after the other. Returns the rows of the last one. */
  async sql(...statements: readonly string[]): Promise<Record<string, unknown>[]> {
    const client = new Client({ host: this.dir, port: this.port, user: 'daemun', database: 'postgres' });
    await client.connect();
    try {
      let rows: Record<string, unknown>[] = [];
      for (const statement of statements) ({ rows } = await client.query(statement));
      return rows;
    } finally {
      await client.end();
    }
  }

  /** Ends the server and its connections at once, as a power failure does. */
  async crash(): Promise<void> {
    await this.end('SIGQUIT');
  }

  /** Starts the server again unless it runs, with the same port and data. */
  async restart(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) return;
    this.process = await this.launch();
  }

  /** Suspends all processes of the server, so that it does not respond. */
  freeze(): void {
    this.signalAll('SIGSTOP');
  }

  thaw(): void {
    this.signalAll('SIGCONT');
  }

  async stop(): Promise<void> {
    // A server that a failed test left suspended would never stop.
    this.thaw();
    await this.end('SIGINT');
    rmSync(this.dir, { recursive: true, force: true });
  }

  private signalAll(signal: NodeJS.Signals): void {
    // The postmaster first, because it starts the other processes.
    this.process.kill(signal);
    const { pid = 0 } = this.process;
    spawnSync('pkill', [`-${signal.slice('SIG'.length)}`, '-P', String(pid)]);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill(signal);
    await exited;
  }
}

function initdb(bin: string, data: string, as: ExecFileSyncOptions): void {
  const options = ['-D', data, '-U', 'daemun', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
  execFileSync(join(bin, 'initdb'), options, as);
}

/** Returns settings for a server that requires TLS over TCP. */
function useTls(
  data: string,
  { cert, key }: CertificateFiles,
  { uid, gid }: { uid?: number; gid?: number },
): Record<string, string> {
  const files = { ssl_cert_file: join(data, 'server.crt'), ssl_key_file: join(data, 'server.key') };
  copyFileSync(cert, files.ssl_cert_file);
  copyFileSync(key, files.ssl_key_file);
  for (const file of Object.values(files)) {
    chmodSync(file, 0o600);
    if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
  }
  writeFileSync(join(data, 'pg_hba.conf'), 'local all all trust\nhostssl all all all trust\n');
  return { ssl: 'on', ...files };
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

/** Waits until the server accepts a connection. After a crash it listens before its recovery has ended. */
export async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await client.end().catch(() => {});
    }
  }
  throw new Error('PostgreSQL did not start');
}
