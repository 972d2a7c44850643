import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const path = () => (process.env.PATH ?? '').split(delimiter);

/** Returns the path of the first of these programs, or undefined. Debian keeps servers in `/usr/sbin`, which is on root's PATH alone. */
export function onPath(...names) {
  const dirs = [...path(), '/usr/sbin'];
  return names.flatMap((name) => dirs.map((dir) => join(dir, name))).find((file) => existsSync(file));
}

/** Returns the folder of the newest `initdb` and `postgres`, or undefined. */
export function findPostgres() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  return [...versions.map((version) => join(debian, version, 'bin')), ...path()].find(
    (dir) => existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')),
  );
}
