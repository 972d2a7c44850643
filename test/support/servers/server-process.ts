import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './ports.mjs';

/** Main file of the server that the global set-up has built. */
export const SERVER_MAIN = 'dist/test/src/main.js';

/** Built server in a child process. */
export class ServerProcess {
  private child: ChildProcess | undefined;
  /** Output of the process. Empty unless there were errors. */
  readonly output: string[] = [];

  private constructor(
    private readonly main: string,
    private readonly env: Record<string, string>,
    readonly url: string,
  ) {}

  static async start(env: Record<string, string>, main = SERVER_MAIN): Promise<ServerProcess> {
    const [port = 0] = await freePorts(1);
    const server = new ServerProcess(main, { ...env, PORT: String(port) }, `http://127.0.0.1:${port}`);
    await server.restart();
    return server;
  }

  async restart(): Promise<void> {
    const { PATH = '' } = process.env;
    this.child = spawn(process.execPath, [this.main], {
      env: { PATH, LOG_LEVEL: 'error', RATE_LIMIT_FACTOR: '1000', ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // A server that a failed test left running must not keep the run from ending.
    this.child.unref();
    for (const stream of [this.child.stdout, this.child.stderr] as (Socket | null)[]) {
      stream?.on('data', (data: Buffer) => void this.output.push(data.toString())).unref();
    }
    process.once('exit', this.killHard);
    for (let attempt = 0; attempt < 600; attempt++) {
      const live = await fetch(`${this.url}/health/live`).catch(() => undefined);
      if (live?.ok === true) return;
      if (this.child.exitCode !== null) break;
      await sleep(50);
    }
    throw new Error(`the server did not start: ${this.output.join('')}`);
  }

  /** False after the process has ended, by itself or by a signal. */
  get running(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** Exit code, if the process ended by itself. */
  get exitCode(): number | null | undefined {
    return this.child?.exitCode;
  }

  /** Suspends the process. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** Kills the process. */
  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  /** Stops the process gracefully. */
  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exited;
    process.off('exit', this.killHard);
  }

  private readonly killHard = (): void => void this.child?.kill('SIGKILL');
}
