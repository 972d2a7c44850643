import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { AUDIT_EVENTS } from '../../src/auth/audit/catalogue.js';
import { PROVIDERS } from '../../src/auth/social/providers.js';
import { configKeys } from '../../src/config/config.js';
import { PROBLEMS } from '../../src/problems/catalogue.js';
import { FIELD_ERRORS } from '../../src/problems/field-errors.js';
import { postgresRows, redisRows } from '../support/store-failures.js';

/** The TypeScript files below `src/`. */
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => join('src', path));
const read = (path: string) => readFileSync(path, 'utf8');

describe('imports', () => {
  /** The rooms of the house, and the rooms that each may know. `users/profiles` is the port between services. */
  const MAY_IMPORT: Record<string, readonly string[]> = {
    stores: [],
    text: [],
    http: ['problems'],
    problems: ['stores'],
    database: ['problems', 'stores'],
    redis: ['problems', 'stores'],
    cli: ['stores'],
    metrics: ['access', 'http'],
    outbox: ['metrics'],
    mail: ['outbox'],
    access: ['problems', 'database'],
    'rate-limits': ['problems', 'http', 'redis'],
    health: ['problems', 'stores', 'database', 'redis', 'access'],
    docs: ['problems', 'access'],
    users: ['problems', 'database', 'access', 'outbox', 'rate-limits', 'text'],
    boards: ['problems', 'database', 'access', 'outbox', 'rate-limits', 'text', 'users/profiles'],
    auth: [
      'problems',
      'stores',
      'http',
      'database',
      'redis',
      'metrics',
      'access',
      'outbox',
      'mail',
      'rate-limits',
      'text',
      'users/profiles',
    ],
  };
  const files = sources.filter((file) => relative('src', file).includes('/'));
  const imports = files.flatMap((file) =>
    [...read(file).matchAll(/from '(\.[^']+)'/g)].map(([, path = '']) => ({
      file,
      target: relative('src', join(dirname(file), path)).replace(/\.js$/, ''),
    })),
  );

  it('go only from a room to those that it may know', () => {
    const strangers = imports.filter(({ file, target }) => {
      const room = relative('src', file).split('/')[0] ?? '';
      const there = target.split('/')[0] ?? '';
      // Files at the top of src/ are for everyone; migrations are collected from wherever their tables are.
      if (!target.includes('/') || there === room || target.startsWith('..')) return false;
      return !(MAY_IMPORT[room] ?? []).some((known) => known === there || known === target);
    });
    expect(strangers).toEqual([]);
  });

  it('know every room', () => {
    const rooms = new Set(files.map((file) => relative('src', file).split('/')[0] ?? ''));
    expect(rooms).toEqual(new Set(Object.keys(MAY_IMPORT)));
  });
});

describe('tables', () => {
  /** The folder that changes each table. */
  const OWNERS: Record<string, string> = {
    'auth.accounts': 'src/auth/accounts',
    'auth.audit_events': 'src/auth/audit',
    'auth.identities': 'src/auth/social',
    'auth.mail_backoff': 'src/auth/account-mails',
    'auth.one_time_tokens': 'src/auth/local',
    'auth.outbox': 'src/outbox',
    'auth.sessions': 'src/auth/sessions',
    'auth.signing_keys': 'src/auth/keys',
    'board.boards': 'src/boards',
    'board.comments': 'src/boards',
    'board.counter_changes': 'src/boards',
    'board.idempotency_keys': 'src/boards',
    'board.likes': 'src/boards',
    'board.post_counters': 'src/boards',
    'board.posts': 'src/boards',
    'board.seeds': 'src/boards',
    'daemun.readiness_probes': 'src/observability',
    'profile.profiles': 'src/users',
  };
  const isMigration = (file: string) => file.startsWith('src/database/migrations/');
  const entities = new Map(
    sources.flatMap((file): [string, string][] => {
      const [, schema, name, entity] =
        /@Entity\(\{ schema: '(\w+)', name: '(\w+)' \}\)\nexport class (\w+)/.exec(read(file)) ?? [];
      return entity === undefined ? [] : [[entity, `${schema}.${name}`]];
    }),
  );
  const writes = sources
    .filter((file) => !isMigration(file))
    .flatMap((file) => {
      const text = read(file);
      const sql = text.matchAll(
        /\b(?:INSERT INTO|UPDATE|DELETE FROM|remove\(|table: )\s*'?((?:auth|board|daemun|profile)\.\w+)/g,
      );
      const repositories = text.matchAll(
        /(?:InjectRepository|[gG]etRepository|\.(?:insert|update|upsert|save|delete|remove|softDelete|restore|increment|decrement|createQueryBuilder))\((\w+)\b/g,
      );
      return [
        ...[...sql].map(([, table = '']) => ({ file, table })),
        ...[...repositories].flatMap(([, entity = '']) => {
          const table = entities.get(entity);
          return table === undefined ? [] : [{ file, table }];
        }),
      ];
    });

  it('are all named with their owner', () => {
    const created = sources
      .filter(isMigration)
      .flatMap((file) =>
        [...read(file).matchAll(/CREATE TABLE (\S+) \(/g)].map(([, table = '']) =>
          table.replace('${MIGRATIONS_SCHEMA}', 'daemun'),
        ),
      );
    expect(created.toSorted()).toEqual(Object.keys(OWNERS).toSorted());
  });

  it('are changed only in the folder of their owner', () => {
    expect(writes.filter(({ file, table }) => !file.startsWith(`${OWNERS[table]}/`))).toEqual([]);
    // Tables for which the search finds no write would pass in any folder.
    const found = new Set(writes.map(({ table }) => table));
    expect(Object.keys(OWNERS).filter((table) => !found.has(table))).toEqual([]);
  });

  it('of sessions have their end set in one file, and in the statement of the rotation', () => {
    const ending = sources.filter((file) => /\bended_at\s*=(?!=)|\bended_at,[^()]*\) = \(/.test(read(file)));
    expect(ending).toEqual(['src/auth/sessions/end-sessions.sql.ts', 'src/auth/sessions/rotation.sql.ts']);
  });
});

describe('what is written down', () => {
  it('has every setting in .env.example, and no other', () => {
    const named = [...read('.env.example').matchAll(/^#?([A-Z_]+)=/gm)].map(([, key = '']) => key);
    expect(new Set(named)).toEqual(new Set(configKeys(PROVIDERS)));
    expect(named).toHaveLength(configKeys(PROVIDERS).length);
  });

  it('has every problem in docs/problems.md, and no other', () => {
    const named = [...read('docs/problems.md').matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)].map(
      ([, code, status]) => [code, Number(status)],
    );
    expect(Object.fromEntries(named)).toEqual(
      Object.fromEntries(Object.entries(PROBLEMS).map(([code, { status }]) => [code, status])),
    );
  });

  it('has every code of errors[] in docs/problems.md, and no other', () => {
    const [, table = ''] =
      /^\| errors\[\]\.code [^\n]*\n((?:\|[^\n]*\n)*)/m.exec(read('docs/problems.md')) ?? [];
    const named = [...table.matchAll(/^\| `([a-z_]+)` \| (.+) \|$/gm)].map(([, code, meaning]) => [
      code,
      meaning,
    ]);
    expect(Object.fromEntries(named)).toEqual(FIELD_ERRORS);
  });

  it('has every kind of audit event in docs/audit-events.md, and no other', () => {
    const [, kinds = ''] = /^\| kind \|.*\n([\s\S]*?)\n\n/m.exec(read('docs/audit-events.md')) ?? [];
    const named = [...kinds.matchAll(/^\| `([a-z_]+)` \| (.+?) \|/gm)].map(([, kind, text]) => [kind, text]);
    expect(Object.fromEntries(named)).toEqual(AUDIT_EVENTS);
    expect(named).toHaveLength(Object.keys(AUDIT_EVENTS).length);
  });

  it('has every store failure in docs/store-failures.md, and no other', () => {
    const rows = read('docs/store-failures.md').match(/^\| .+ \|$/gm) ?? [];
    expect(rows.filter((row) => row.includes('`'))).toEqual([...postgresRows(), ...redisRows()]);
  });

  it('names in docs/compatibility.md only tests that exist', () => {
    const named = [...read('docs/compatibility.md').matchAll(/`(test\/[a-z/-]+\.test\.ts)`/g)];
    expect(named.length).toBeGreaterThan(20);
    expect(named.map(([, file = '']) => file).filter((file) => !existsSync(file))).toEqual([]);
  });

  it('names in docs/request-paths.md only files that exist, in paths as short as promised', () => {
    const paths = read('docs/request-paths.md').split(/^## /m).slice(1);
    const promised: Record<string, number> = { 'A social log-in': 7, 'A refresh': 6, 'A guarded request': 4 };
    const lengths = paths.map((path) => {
      const title = path.split('\n', 1)[0] ?? '';
      const files = new Set([...path.matchAll(/`(src\/[^`]+\.ts)`/g)].map(([, file = '']) => file));
      expect([...files].filter((file) => !existsSync(file))).toEqual([]);
      return [title, files.size <= (promised[title] ?? 0)];
    });
    expect(Object.fromEntries(lengths)).toEqual(
      Object.fromEntries(Object.keys(promised).map((title) => [title, true])),
    );
  });

  it('names in docs/request-paths.md only problems and log-in errors that exist', () => {
    const codes = [...read('docs/request-paths.md').matchAll(/✗ `([a-z_]+)`/g)].map(([, code = '']) => code);
    expect(codes.length).toBeGreaterThan(10);
    const known = read('src/problems/catalogue.ts') + read('src/auth/social/login-error.ts');
    expect(codes.filter((code) => !known.includes(code))).toEqual([]);
  });

  it('gives exactly two commands to set up', () => {
    const [, setUp = ''] = /## Set up\n([\s\S]*?)\n## /.exec(read('README.md')) ?? [];
    expect([...setUp.matchAll(/^ *(npm|npx|node) .*$/gm)]).toHaveLength(2);
  });

  it('leaves the environment to src/config/config.ts', () => {
    const elsewhere = sources.filter(
      (file) => file !== 'src/config/config.ts' && read(file).includes('process.env'),
    );
    expect(elsewhere).toEqual([]);
  });
});
