import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { findPostgres, onPath } from './installed.mjs';
import { freePorts } from './ports.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM'];

/**
 * Starts the PostgreSQL server of a test run, with PgBouncer in transaction mode in front of it where that is installed.
 * Returns the environment in which suites find them, and `stop`; undefined without PostgreSQL.
 */
export async function startSharedPostgres(dir) {
  const bin = findPostgres();
  if (bin === undefined) return undefined;
  mkdirSync(dir);
  // Both programs refuse to run as root; Debian's package brings a user.
  const root = userInfo().uid === 0;
  const [uid, gid] = root ? ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres']))) : [];
  if (root) chownSync(dir, uid, gid);
  chmodSync(dir, 0o755);
  const as = { uid, gid, cwd: dir, stdio: 'ignore' };
  const data = join(dir, 'data');
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'daemun', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    as,
  );
  const template = join(dir, 'template');
  execFileSync('cp', ['-a', data, template], as);
  const [port, poolerPort] = await freePorts(2);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: dir,
    max_connections: 400,
    fsync: 'off',
    full_page_writes: 'off',
    autovacuum: 'off',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const processes = [spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...options], as)];
  const environment = {
    TEST_POSTGRES_URL: `postgres://daemun@127.0.0.1:${port}/postgres`,
    // Result of initdb, which takes seconds. `PostgresServer` starts on copies of it.
    TEST_POSTGRES_TEMPLATE: template,
  };

  const pgbouncer = onPath('pgbouncer');
  if (pgbouncer !== undefined) {
    const file = join(dir, 'pgbouncer.ini');
    const pooler = {
      listen_addr: '127.0.0.1',
      listen_port: poolerPort,
      unix_socket_dir: '',
      auth_type: 'any',
      pool_mode: 'transaction',
      default_pool_size: 4,
      max_client_conn: 1_000,
      server_idle_timeout: 10,
    };
    writeFileSync(
      file,
      [
        `[databases]\n* = host=127.0.0.1 port=${port} user=daemun`,
        '[pgbouncer]',
        ...Object.entries(pooler).map(([name, value]) => `${name} = ${value}`),
        '',
      ].join('\n'),
    );
    processes.push(spawn(pgbouncer, [file], as));
    environment.TEST_POOLER_URL = `postgres://daemun@127.0.0.1:${poolerPort}/postgres`;
  }
  const kill = () => processes.forEach((server) => server.kill('SIGKILL'));
  process.once('exit', kill);
  // Without a handler, a signal ends this process without the event `exit`.
  const exit = () => process.exit(1);
  for (const signal of SIGNALS) process.once(signal, exit);
  return {
    environment,
    stop: async () => {
      process.off('exit', kill);
      for (const signal of SIGNALS) process.off(signal, exit);
      const ended = processes.map((server) => new Promise((resolve) => server.once('exit', resolve)));
      processes.forEach((server) => server.kill('SIGQUIT'));
      await Promise.all(ended);
    },
  };
}
