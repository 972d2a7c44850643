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
  /**
   * The folders of each tree in import order, with the folders that they may import; a file at the top of a tree counts as a
   * folder. `users/profiles` is the port between services.
   */
  const MAY_IMPORT: Record<string, Record<string, string>> = {
    src: {
      config: '',
      crypto: 'config',
      logging: 'config',
      stores: 'config',
      problems: 'logging stores',
      concurrency: 'problems',
      text: 'problems',
      openapi: 'config problems',
      database: 'concurrency config logging stores',
      redis: 'concurrency config stores',
      access: 'concurrency config openapi problems',
      'rate-limits': 'config openapi problems redis text',
      http: 'access concurrency config database logging openapi problems rate-limits text',
      observability: 'access config database http openapi redis stores',
      outbox: 'concurrency crypto database observability',
      mail: 'config outbox',
      users: 'access database openapi outbox problems rate-limits text',
      auth:
        'access concurrency config crypto database http logging mail observability openapi ' +
        'outbox problems rate-limits redis text users/profiles users/users.module',
      boards:
        'access concurrency config database http openapi ' +
        'problems rate-limits text users/profiles users/users.module',
      'app.module': 'access auth boards config database observability users',
      app: 'app.module config database http logging',
      main: 'app auth config logging stores',
      cli: 'app.module auth config crypto database http logging openapi stores',
    },
    web: {
      'third-party-notices': '',
      'vite.config': 'third-party-notices',
      i18n: '',
      state: '',
      session: 'state',
      ui: 'i18n session state',
      devtools: 'i18n session state ui',
      auth: 'i18n session state ui',
      account: 'auth i18n session ui',
      boards: 'auth i18n session ui',
      shell: 'devtools i18n session ui',
      app: 'account auth boards devtools i18n shell ui',
      main: 'app auth devtools i18n session',
      docs: 'auth boards devtools i18n session shell state ui',
    },
    sandbox: {
      json: '',
      pkce: '',
      accounts: '',
      'id-tokens': '',
      mail: '',
      grants: 'accounts',
      personas: 'accounts',
      pages: 'accounts grants mail personas',
      http: 'json pages',
      context: 'accounts grants http id-tokens',
      journal: 'accounts context http',
      exchange: 'context grants http pkce',
      authorize: 'accounts context grants http pages personas pkce',
      faults: 'accounts context http',
      control: 'faults http journal',
      google: 'accounts authorize context exchange grants http pages personas',
      kakao: 'accounts authorize context exchange grants http pages personas',
      naver: 'accounts authorize context exchange grants http pages personas',
      router: 'authorize context control faults google http journal kakao mail naver pages',
      webhooks: '',
      sandbox: 'context faults grants id-tokens journal mail router',
      main: 'sandbox',
    },
  };
  /** Modules outside of a tree whose values it may import. Types may come from anywhere in `src/`. */
  const OUTSIDE: Record<string, readonly string[]> = {
    // A dynamic import, in development only.
    src: ['sandbox/sandbox'],
    web: ['client/src/index', 'src/http/web-pages'],
  };

  const IMPORT =
    /(?:^(import type|import|export type|export)\b[^;']*?\bfrom |^import |\bimport\()'(\.[^']+)'/gm;
  /** Imports of the modules of a tree, by path without extension. */
  const importsOf = (tree: string) =>
    readdirSync(tree, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
      .flatMap((path) => {
        const file = join(tree, path);
        const statements = read(file).matchAll(IMPORT);
        return [...statements]
          .filter(([, , target = '']) => !/\.(css|svg)$/.test(target))
          .map(([, keyword, target = '']) => ({
            from: file.replace(/\.tsx?$/, ''),
            to: join(dirname(file), target).replace(/\.js$/, ''),
            isType: keyword?.endsWith('type') ?? false,
          }));
      });
  /** The folder below a tree in which a module is; the name of the module at its top. */
  const folderOf = (tree: string, module: string) => relative(tree, module).split('/')[0] ?? '';
  const isInside = (tree: string, module: string) => module.startsWith(`${tree}/`);
  const cyclesOf = (edges: readonly (readonly [string, string])[]): string[] => {
    const next = new Map<string, string[]>();
    for (const [from, to] of edges) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (node: string, path: readonly string[]): void => {
      if (path.includes(node)) cycles.push([...path.slice(path.indexOf(node)), node].join(' > '));
      if (done.has(node) || path.includes(node)) return;
      for (const each of next.get(node) ?? []) visit(each, [...path, node]);
      done.add(node);
    };
    for (const [from] of edges) visit(from, []);
    return cycles;
  };

  describe.each(Object.entries(MAY_IMPORT))('of %s', (tree, folders) => {
    const imports = importsOf(tree);

    it('go only to folders that the folder may import', () => {
      const refused = imports.filter(({ from, to }) => {
        const [folder, target] = [folderOf(tree, from), folderOf(tree, to)];
        if (!isInside(tree, to) || folder === target) return false;
        return !(folders[folder] ?? '')
          .split(' ')
          .some((each) => [target, relative(tree, to)].includes(each));
      });
      expect(refused).toEqual([]);
    });

    it('have a list in which each folder follows those that it imports', () => {
      const names = Object.keys(folders);
      const early = Object.entries(folders).flatMap(([name, others], index) =>
        (others.match(/[^ ]+/g) ?? [])
          .filter((each) => !names.slice(0, index).includes(each.split('/')[0] ?? ''))
          .map((each) => `${name} > ${each}`),
      );
      expect(early).toEqual([]);
      const existing = readdirSync(tree, { withFileTypes: true })
        .filter((entry) => entry.isFile() && /(?<!\.d)\.tsx?$/.test(entry.name))
        .map(({ name }) => name.replace(/\.tsx?$/, ''));
      const withModules = importsOf(tree).map(({ from }) => folderOf(tree, from));
      expect(new Set([...existing, ...withModules].filter((name) => !names.includes(name)))).toEqual(
        new Set(),
      );
    });
  });

  const TREES = [...Object.keys(MAY_IMPORT), 'client/src'];

  it.each(TREES)('of %s go outside of the tree only for types and for listed modules', (tree) => {
    const refused = importsOf(tree).filter(
      ({ to, isType }) =>
        !isInside(tree, to) && !(OUTSIDE[tree] ?? []).includes(to) && !(isType && isInside('src', to)),
    );
    expect(refused).toEqual([]);
  });

  it.each([...TREES, 'src/auth'])('of %s have no cycle of files or folders', (tree) => {
    const inside = importsOf(tree).filter(({ to }) => isInside(tree, to));
    expect(cyclesOf(inside.map(({ from, to }) => [from, to]))).toEqual([]);
    const folders = inside.map(({ from, to }) => [folderOf(tree, from), folderOf(tree, to)] as const);
    expect(cyclesOf(folders.filter(([from, to]) => from !== to))).toEqual([]);
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

  it('have an owner each', () => {
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

  it('of sessions get their end in one file, and in the rotation statement', () => {
    const ending = sources.filter((file) => /\bended_at\s*=(?!=)|\bended_at,[^()]*\) = \(/.test(read(file)));
    expect(ending).toEqual(['src/auth/sessions/end-sessions.sql.ts', 'src/auth/sessions/rotation.sql.ts']);
  });
});

describe('documentation', () => {
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

  it('names in docs/compatibility.md only existing tests', () => {
    const named = [...read('docs/compatibility.md').matchAll(/`(test\/[a-z/-]+\.test\.ts)`/g)];
    expect(named.length).toBeGreaterThan(20);
    expect(named.map(([, file = '']) => file).filter((file) => !existsSync(file))).toEqual([]);
  });

  it('names in docs/request-paths.md only existing files, in paths of limited length', () => {
    const paths = read('docs/request-paths.md').split(/^## /m).slice(1);
    const promised: Record<string, number> = {
      'A social login': 7,
      'A refresh': 6,
      'A guarded request': 4,
      'A revocation in another process': 7,
      'The deletion of an account': 8,
      'A mail': 7,
    };
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

  it('names in docs/request-paths.md only existing problems and login errors', () => {
    const codes = [...read('docs/request-paths.md').matchAll(/✗ `([a-z_]+)`/g)].map(([, code = '']) => code);
    expect(codes.length).toBeGreaterThan(10);
    const known = read('src/problems/catalogue.ts') + read('src/auth/social/login-error.ts');
    expect(codes.filter((code) => !known.includes(code))).toEqual([]);
  });

  it('has exactly two commands to set up', () => {
    const [, setUp = ''] = /## Set up\n([\s\S]*?)\n## /.exec(read('README.md')) ?? [];
    expect([...setUp.matchAll(/^ *(npm|npx|node) .*$/gm)]).toHaveLength(2);
  });

  it('is complete about settings: only src/config/config.ts reads the environment', () => {
    const elsewhere = sources.filter(
      (file) => file !== 'src/config/config.ts' && read(file).includes('process.env'),
    );
    expect(elsewhere).toEqual([]);
  });
});
