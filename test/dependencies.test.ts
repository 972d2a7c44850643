import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const read = (path: string) => readFileSync(path, 'utf8');
const { dependencies, scarfSettings } = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>;
  scarfSettings?: { enabled: boolean };
};
const { packages } = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, { license?: string; dev?: boolean; resolved?: string; integrity?: string }>;
};
/** Licences of packages whose `package.json` names none. */
const IN_A_FILE: Record<string, string> = { 'passport-local': 'MIT' };

describe('docs/dependencies.md', () => {
  const [, table = ''] = /## In production\n([^]*?)\n\n[^|\n]/.exec(read('docs/dependencies.md')) ?? [];
  const rows = [...table.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, name = '', reason, licence, maintenance, replacement]) => ({
      name,
      reason,
      licence,
      maintenance,
      replacement,
    }),
  );

  it('names every production dependency once, and no other', () => {
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(dependencies).toSorted());
  });

  it('names the licence of each', () => {
    const licences = Object.fromEntries(rows.map(({ name, licence }) => [name, licence]));
    const locked = Object.keys(dependencies).map((name) => [
      name,
      packages[`node_modules/${name}`]?.license ?? IN_A_FILE[name],
    ]);
    expect(licences).toEqual(Object.fromEntries(locked));
  });
});

describe('a production installation', () => {
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  const names = installed.map(([path]) => path.replace(/^.*node_modules\//, ''));

  it.each(['typescript', '@nestjs/swagger', 'es-toolkit', 'js-yaml', 'argparse'])('has no %s', (name) => {
    expect(names).not.toContain(name);
  });

  it('has permissive licences only', () => {
    const licences = new Set(installed.flatMap(([, { license }]) => license ?? []));
    const permissive = [
      'MIT',
      'MIT-0',
      'ISC',
      '0BSD',
      'BSD-2-Clause',
      'BSD-3-Clause',
      'Apache-2.0',
      'BlueOak-1.0.0',
    ];
    expect([...licences].filter((licence) => !permissive.includes(licence))).toEqual([]);
  });

  it('tells nobody that it is made', () => {
    expect(scarfSettings).toEqual({ enabled: false });
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
  });

  it('is pinned by integrity hashes', () => {
    expect(installed.filter(([, { resolved, integrity }]) => resolved && !integrity)).toEqual([]);
  });

  it('loads what describes the API only where it is installed', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.startsWith('docs/') && path !== 'write-openapi.ts')
      .map((path) => join('src', path));
    const imports = (file: string) =>
      /^import (?!type)[^;]*from '(@nestjs\/swagger|[./]+\/docs\/(?!problem-responses)[^']+)'/m.test(
        read(file),
      );
    expect(sources.filter(imports)).toEqual([]);
  });
});
