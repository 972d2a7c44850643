// Database of a benchmark: PostgreSQL if it is installed, otherwise the embedded database.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const DEBIAN = '/usr/lib/postgresql';

/** Starts a database with settings for one benchmark; `stop` removes it. */
export async function startDatabase(port = 3803, settings = {}) {
  const [version] = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => b - a) : [];
  if (version === undefined) return { name: 'embedded', inProcess: true, url: '', stop: async () => {} };
  const bin = join(DEBIAN, version, 'bin');
  const dir = mkdtempSync(join(tmpdir(), 'daemun-bench-'));
  const owner = userInfo().uid === 0 ? { uid: postgresId('-u'), gid: postgresId('-g') } : {};
  if (owner.uid !== undefined) chownSync(dir, owner.uid, owner.gid);
  const options = { ...owner, cwd: dir, stdio: 'ignore' };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', join(dir, 'data'), '-U', 'daemun', '-A', 'trust', '-E', 'UTF8'],
    options,
  );
  const server = spawn(
    join(bin, 'postgres'),
    [
      ['-D', join(dir, 'data'), '-p', String(port), '-k', dir, '-c', 'listen_addresses=127.0.0.1'],
      Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ].flat(),
    options,
  );
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return {
    name: `PostgreSQL ${version}`,
    inProcess: false,
    url: `postgres://daemun@127.0.0.1:${port}/postgres`,
    stop: async () => {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGINT');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function postgresId(flag) {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}
