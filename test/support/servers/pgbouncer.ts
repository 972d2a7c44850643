import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './ports.mjs';
import { untilReady } from './postgres-server.js';
import { find } from '../programs.js';

/** PgBouncer in front of a PostgreSQL server, in a temporary folder, on a free port. */
export class PgBouncer {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly dir: string,
  ) {}

  /** Starts PgBouncer. `settings` are lines of the section `[pgbouncer]`; `user` is a role, and a database with its name. */
  static async before(
    port: number,
    settings: Readonly<Record<string, string>> = {},
    user?: string,
  ): Promise<PgBouncer> {
    const program = find('pgbouncer');
    if (program === undefined) throw new Error('PgBouncer is not installed');
    const dir = mkdtempSync(join(tmpdir(), 'daemun-pgbouncer-'));
    const [ownPort = 0] = await freePorts(1);
    const all = {
      listen_addr: '127.0.0.1',
      listen_port: String(ownPort),
      unix_socket_dir: '',
      auth_type: 'any',
      pool_mode: 'transaction',
      ...settings,
    };
    const file = join(dir, 'pgbouncer.ini');
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
    writeFileSync(
      file,
      [
        '[databases]',
        `* = host=127.0.0.1 port=${port} user=${user ?? 'daemun'}`,
        '[pgbouncer]',
        ...lines,
        '',
      ].join('\n'),
    );
    chmodSync(dir, 0o755);
    // PgBouncer refuses to run as root.
    const runAs = userInfo().uid === 0 ? ['-u', 'postgres'] : [];
    const server = spawn(program, [...runAs, file], { stdio: 'ignore', cwd: dir });
    server.unref();
    const quit = () => void server.kill('SIGKILL');
    process.once('exit', quit);
    server.once('exit', () => process.off('exit', quit));
    const url = `postgres://daemun@127.0.0.1:${ownPort}/${user ?? 'postgres'}`;
    await untilReady(url);
    return new PgBouncer(url, server, dir);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = new Promise((resolve) => this.process.once('exit', resolve));
      this.process.kill('SIGKILL');
      await exited;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
