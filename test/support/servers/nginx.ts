import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './ports.mjs';
import { find } from '../programs.js';

/** nginx in front of a server, in a temporary folder, on a free port. */
export class Nginx {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly dir: string,
  ) {}

  /** Starts nginx. `location` has the directives beside `proxy_pass`. */
  static async before(url: string, location: string): Promise<Nginx> {
    const program = find('nginx');
    if (program === undefined) throw new Error('nginx is not installed');
    const dir = mkdtempSync(join(tmpdir(), 'daemun-nginx-'));
    const [port = 0] = await freePorts(1);
    const file = join(dir, 'nginx.conf');
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${dir}/${name};`,
    );
    writeFileSync(
      file,
      `daemon off;\nuser root;\npid ${dir}/pid;\nerror_log ${dir}/error.log;\nevents {}\nhttp {\n  access_log off;\n  ${paths.join('\n  ')}
  server {\n    listen 127.0.0.1:${port};\n    location / {\n      proxy_pass ${url.replace('localhost', '127.0.0.1')};\n      ${location}\n    }\n  }\n}\n`,
    );
    const server = spawn(program, ['-p', dir, '-c', file, '-e', join(dir, 'error.log')], { stdio: 'ignore' });
    server.unref();
    const quit = () => void server.kill('SIGTERM');
    process.once('exit', quit);
    server.once('exit', () => process.off('exit', quit));
    const nginx = new Nginx(`http://127.0.0.1:${port}`, server, dir);
    for (let attempt = 0; attempt < 100; attempt++) {
      const answer = await fetch(`${nginx.url}/health/live`).catch(() => undefined);
      if (answer?.ok === true) return nginx;
      await sleep(50);
    }
    throw new Error('nginx did not start');
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = new Promise((resolve) => this.process.once('exit', resolve));
      this.process.kill('SIGTERM');
      await exited;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
