import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './ports.mjs';
import { find } from '../programs.js';

/** HAProxy in a temporary folder, on a free port. */
export class HaProxy {
  private constructor(
    readonly port: number,
    private readonly socket: string,
    private readonly process: ChildProcess,
    private readonly dir: string,
  ) {}

  /** Starts HAProxy. `configure` returns the `defaults`, `frontend` and `backend` sections for the port. */
  static async start(configure: (port: number) => string): Promise<HaProxy> {
    const program = find('haproxy');
    if (program === undefined) throw new Error('HAProxy is not installed');
    const dir = mkdtempSync(join(tmpdir(), 'daemun-haproxy-'));
    const [port = 0] = await freePorts(1);
    const [file, socket] = [join(dir, 'haproxy.cfg'), join(dir, 'socket')];
    writeFileSync(file, `global\n  stats socket ${socket} mode 600 level admin\n${configure(port)}\n`);
    const server = spawn(program, ['-db', '-f', file], { stdio: 'ignore', cwd: dir });
    server.unref();
    const quit = () => void server.kill('SIGKILL');
    process.once('exit', quit);
    server.once('exit', () => process.off('exit', quit));
    const proxy = new HaProxy(port, socket, server, dir);
    for (let attempt = 0; ; attempt++) {
      try {
        await proxy.command('show info');
        return proxy;
      } catch (error) {
        if (attempt === 100) throw error;
        await sleep(50);
      }
    }
  }

  /** Runs commands on the runtime socket, separated by semicolons. */
  async command(commands: string): Promise<string> {
    const connection = connect(this.socket);
    connection.end(`${commands}\n`);
    return text(connection);
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
