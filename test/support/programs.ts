import { spawnSync } from 'node:child_process';
import { describe } from '@jest/globals';
import { findPostgres, onPath } from './servers/installed.mjs';

/** Programs that some suites need, with their Debian packages. */
const PROGRAMS = {
  postgres: { package: 'postgresql', find: findPostgres },
  redis: { package: 'redis-server', find: () => onPath('redis-server') },
  chromium: {
    package: 'chromium-headless-shell',
    find: () => onPath('chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'),
  },
  pgbouncer: { package: 'pgbouncer', find: () => onPath('pgbouncer') },
  haproxy: { package: 'haproxy', find: () => onPath('haproxy') },
  nginx: { package: 'nginx-light', find: () => onPath('nginx') },
  openssl: { package: 'openssl', find: () => onPath('openssl') },
  pyjwt: { package: 'python3-jwt python3-cryptography', find: findPyJwt },
} as const;

export type Program = keyof typeof PROGRAMS;

/** Returns the path of a program; undefined if it is not installed. */
export function find(program: Program): string | undefined {
  return PROGRAMS[program].find();
}

/**
 * `describe` for a suite that needs programs. If one is not installed, the suite is reported as skipped, with the package to
 * install. With `CI=true` this is a failure.
 */
export function describeWith(programs: Program | readonly Program[], name: string, suite: () => void): void {
  const absent = [programs].flat().filter((program) => find(program) === undefined);
  if (absent.length === 0) return describe(name, suite);
  const packages = absent.map((program) => PROGRAMS[program].package).join(' ');
  const missing = `${name} (needs ${absent.join(' and ')}: apt-get install ${packages})`;
  if (process.env['CI'] === 'true') throw new Error(missing);
  describe.skip(missing, suite);
}

/** Returns the path of Debian's Python, if it has PyJWT. */
function findPyJwt(): string | undefined {
  const python = '/usr/bin/python3';
  return spawnSync(python, ['-c', 'import jwt, cryptography']).status === 0 ? python : undefined;
}
