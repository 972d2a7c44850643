import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';

const read = (path: string) => readFileSync(path, 'utf8');
const { dependencies, scarfSettings } = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>;
  scarfSettings?: { enabled: boolean };
};
const { packages } = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, { license?: string; dev?: boolean; resolved?: string; integrity?: string }>;
};
/** Licences of packages whose `package.json` has none. */
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

  it('has every production dependency once, and no other', () => {
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(dependencies).toSorted());
  });

  it('has the licence of each dependency', () => {
    const licences = Object.fromEntries(rows.map(({ name, licence }) => [name, licence]));
    const locked = Object.keys(dependencies).map((name) => [
      name,
      packages[`node_modules/${name}`]?.license ?? IN_A_FILE[name],
    ]);
    expect(licences).toEqual(Object.fromEntries(locked));
  });
});

describe('the table of packages in the web page', () => {
  const [, table = ''] = /## In the web page\n([^]*?)\n\n## /.exec(read('docs/dependencies.md')) ?? [];
  const rows = [...table.matchAll(/^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|/gm)];

  it('has every package that the page imports, with its licence', () => {
    const imported = readdirSync('web', { recursive: true, encoding: 'utf8' })
      .filter((path) => path.includes('/') && /(?<!\.d)\.tsx?$/.test(path))
      .flatMap((path) => [
        ...read(join('web', path)).matchAll(/^import [^;]*?from '((?:@[^/']+\/)?[a-z][^/']*)/gm),
      ])
      .map(([, name = '']) => name);
    const licences = [...new Set(imported), 'react-dom'].map((name) => [
      name,
      packages[`node_modules/${name}`]?.license,
    ]);
    expect(Object.fromEntries(rows.map(([, name, licence]) => [name, licence]))).toEqual(
      Object.fromEntries(licences),
    );
  });
});

describe('a production installation', () => {
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  const names = installed.map(([path]) => path.replace(/^.*node_modules\//, ''));

  it.each(['typescript', '@nestjs/swagger', 'es-toolkit', 'js-yaml', 'argparse'])(
    'does not contain %s',
    (name) => {
      expect(names).not.toContain(name);
    },
  );

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

  it('has no install scripts that send telemetry', () => {
    expect(scarfSettings).toEqual({ enabled: false });
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
  });

  it('is pinned by integrity hashes', () => {
    expect(installed.filter(([, { resolved, integrity }]) => resolved && !integrity)).toEqual([]);
  });

  it('loads the OpenAPI modules only if they are installed', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter(
        (path) => path.endsWith('.ts') && !path.startsWith('openapi/') && path !== 'cli/write-openapi.ts',
      )
      .map((path) => join('src', path));
    const imports = (file: string) =>
      /^import (?!type)[^;]*from '(@nestjs\/swagger|[./]+\/openapi\/(document|operations|zod-components)[^']*)'/m.test(
        read(file),
      );
    expect(sources.filter(imports)).toEqual([]);
  });
});

describe('the OpenAPI decorators', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daemun-decorators-'));
    const { code } = transformSync(read('src/openapi/decorators.ts'), {
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    writeFileSync(join(folder, 'decorators.mjs'), code);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const load = () =>
    execFileSync(
      process.execPath,
      ['--input-type=module', '-e', "console.log(typeof (await import('./decorators.mjs')).ApiTags('x'))"],
      { cwd: folder, encoding: 'utf8', stdio: 'pipe' },
    ).trim();

  it('have no effect if @nestjs/swagger is not installed', () => {
    expect(load()).toBe('function');
  });
});
