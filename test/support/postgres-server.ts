import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client } from 'pg';
import { freePorts } from './ports.js';

/** Where `initdb` and `postgres` are, or undefined where PostgreSQL is not installed. */
export function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  return [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ].find((dir) => existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')));
}

/** A real PostgreSQL server of our own, in a temporary folder on a free port. */
export class PostgresServer {
  private constructor(
    readonly url: string,
    private readonly launch: () => Promise<ChildProcess>,
    private process: ChildProcess,
    private readonly dir: string,
  ) {}

  static async start(): Promise<PostgresServer> {
    const bin = findPostgres();
    if (bin === undefined) throw new Error('PostgreSQL is not installed');
    const dir = mkdtempSync(join(tmpdir(), 'daemun-postgres-'));
    const [port = 0] = await freePorts(1);
    // PostgreSQL refuses to run as root; Debian's package brings a user of its own.
    const root = userInfo().uid === 0;
    const owner = root ? { uid: idOf('-u'), gid: idOf('-g') } : {};
    if (root) chownSync(dir, idOf('-u'), idOf('-g'));
    const data = join(dir, 'data');
    execFileSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'daemun', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
      {
        ...owner,
        stdio: 'ignore',
        cwd: dir,
      },
    );
    const url = `postgres://daemun@127.0.0.1:${port}/postgres`;
    const launch = async (): Promise<ChildProcess> => {
      const server = spawn(
        join(bin, 'postgres'),
        ['-D', data, '-p', String(port), '-k', dir, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'],
        { ...owner, stdio: 'ignore', cwd: dir },
      );
      // One that a failed test left running does not keep the run from ending, and ends with it.
      server.unref();
      const quit = () => void server.kill('SIGQUIT');
      process.once('exit', quit);
      server.once('exit', () => process.off('exit', quit));
      await untilReady(url);
      return server;
    };
    return new PostgresServer(url, launch, await launch(), dir);
  }

  /** Ends the server as a power cut would, connections and all. */
  async crash(): Promise<void> {
    await this.end('SIGQUIT');
  }

  /** Starts it again where it does not run, on the same port and the same data. */
  async restart(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) return;
    this.process = await this.launch();
  }

  /** It is there, with all its processes, and does not answer. */
  freeze(): void {
    this.signalAll('SIGSTOP');
  }

  thaw(): void {
    this.signalAll('SIGCONT');
  }

  async stop(): Promise<void> {
    // One that a failed test left frozen would never stop.
    this.thaw();
    await this.end('SIGINT');
    rmSync(this.dir, { recursive: true, force: true });
  }

  private signalAll(signal: NodeJS.Signals): void {
    // The first makes the others, so it has to stop before they are counted; some may end while they are.
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

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

/** It listens before it has recovered from a crash, and refuses everyone until then. */
async function untilReady(url: string): Promise<void> {
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
