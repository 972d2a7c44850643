import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findPersona } from '../../sandbox/personas.js';
import { Browser } from '../support/fixtures/browser.js';
import { makeDataDir } from '../support/fixtures/data-dir.js';
import { freePorts } from '../support/servers/ports.mjs';
import { ServerProcess } from '../support/servers/server-process.js';
import { cloneRepository, follow, stepsOf } from '../support/tutorial.js';

/** Time limit for a build, a linter or a test run on a busy machine. */
const TIMEOUT_MS = 300_000;

const tutorial = readFileSync('docs/add-a-module.md', 'utf8');
const steps = stepsOf(tutorial);
const commands = steps.flatMap((step) => (step.kind === 'run' ? [step.command] : []));
/** The table of requests: caller, method, path and expected status. */
const tries = [...tutorial.matchAll(/^\| (\w+) \| `([A-Z]+) (\S+)` \|(.*)\| `(\d{3})`(.*)\|$/gm)].map(
  ([, who = '', method = '', path = '', body = '', status = '', answer = '']) => ({
    who,
    method,
    path,
    body: codeIn(body),
    status: Number(status),
    answer: codeIn(answer),
  }),
);

/** A copy in which the tutorial was followed has no files left to create. */
const describeUnlessFollowed = existsSync('src/notes') ? describe.skip : describe;

describeUnlessFollowed('docs/add-a-module.md (where src/notes is not there yet)', () => {
  let clone: string;
  beforeAll(() => {
    clone = cloneRepository();
    for (const step of steps) if (step.kind !== 'run') follow(step, clone);
    checkFormatOf(steps.flatMap((step) => (step.kind === 'run' ? [] : step.path)));
  }, TIMEOUT_MS);
  afterAll(() => rmSync(clone, { recursive: true, force: true }));

  /** Limits `format:check` to files that the tutorial changes or generates. `npm run check` reads the others. */
  function checkFormatOf(paths: readonly string[]): void {
    const file = join(clone, '.prettierignore');
    const rules = ['*', '!*/', '!/docs/*', ...paths.map((path) => `!/${path}`)];
    writeFileSync(file, `${rules.join('\n')}\n${readFileSync(file, 'utf8')}`);
  }

  describe('the text', () => {
    it('names only files that exist after the tutorial was followed', () => {
      const named = [...tutorial.matchAll(/`((?:src|test|docs)\/[\w./-]+)`/g)].map(([, path = '']) => path);
      expect(named.length).toBeGreaterThan(10);
      expect(named.filter((path) => !existsSync(join(clone, path)))).toEqual([]);
    });

    it('ends with the start of the result', () => {
      expect(commands.at(-1)).toBe('npm start');
      expect(commands.length).toBeGreaterThan(4);
    });

    it.each(commands.slice(0, -1))(
      'contains a command that succeeds: %s',
      async (command) => {
        const { PATH, HOME, CI } = process.env;
        const run = promisify(execFile)('sh', ['-c', command], {
          cwd: clone,
          // The suites of this run go on meanwhile.
          env: { PATH, HOME, CI, TEST_WORKERS: '1' },
          timeout: TIMEOUT_MS,
        });
        const failure = await run.then(
          () => undefined,
          ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}\n${stderr}`,
        );
        expect(failure).toBeUndefined();
      },
      TIMEOUT_MS,
    );
  });

  describe('the result', () => {
    const people = new Map<string, Promise<string | undefined>>();
    let server: ServerProcess;
    let dataDir: string;
    let url: string;
    /** The values for `{id}` and `{nextCursor}`. */
    const last: Record<string, string> = {};

    beforeAll(async () => {
      const { scripts } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8')) as {
        scripts: { start: string };
      };
      const [, main = ''] = / node (dist\/\S+)$/.exec(scripts.start) ?? [];
      const [sandboxPort, smtpPort] = await freePorts(2);
      dataDir = makeDataDir();
      const env = {
        DATA_DIR: dataDir,
        SANDBOX_PORT: String(sandboxPort),
        SANDBOX_SMTP_PORT: String(smtpPort),
      };
      server = await ServerProcess.start(env, join(clone, main));
      // The URL to which the sandbox redirects.
      url = server.url.replace('127.0.0.1', 'localhost');
    }, TIMEOUT_MS);
    afterAll(async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });

    /** Returns an access token of a persona of the sandbox, which logs in on first use. */
    function tokenOf(who: string): Promise<string | undefined> {
      const known = people.get(who) ?? logIn(who.toLowerCase());
      people.set(who, known);
      return known;
    }

    async function logIn(persona: string): Promise<string | undefined> {
      expect(tutorial).toContain(`*${findPersona('kakao', persona)?.name.en}*`);
      const browser = new Browser(url);
      await browser.logInWith('kakao', persona);
      return browser.accessToken();
    }

    it('is requested by every row of the table', () => {
      expect(tries).toHaveLength(tutorial.match(/^\| \w+ \| `/gm)?.length ?? 0);
      expect(tries.length).toBeGreaterThan(5);
    });

    it.each(tries)('answers $who with $status for $method $path', async (row) => {
      const path = row.path.replace(/\{(\w+)\}/g, (_, name: string) => last[name] ?? '');
      const headers: Record<string, string> = {};
      if (row.who !== 'anonymous') headers['authorization'] = `Bearer ${await tokenOf(row.who)}`;
      if (row.body !== undefined) headers['content-type'] = 'application/json';
      const response = await fetch(url + path, { method: row.method, headers, body: row.body ?? null });
      const text = await response.text();
      const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
      if (row.method === 'POST' && response.ok) last['id'] = String(answer['id']);
      if (typeof answer['nextCursor'] === 'string') last['nextCursor'] = answer['nextCursor'];
      expect({ status: response.status, answer }).toMatchObject({
        status: row.status,
        answer: row.answer?.startsWith('{') === false ? { code: row.answer } : JSON.parse(row.answer ?? '{}'),
      });
    });

    it('is in the OpenAPI document, and every route requires a login', async () => {
      const { paths, tags } = (await (await fetch(`${url}/docs/openapi.json`)).json()) as {
        paths: Record<string, Record<string, unknown>>;
        tags: unknown[];
      };
      const closed = { tags: ['Notes'], security: [{ accessToken: [] }] };
      expect(paths).toMatchObject({
        '/notes': { get: closed, post: closed },
        '/notes/{id}': { get: closed, patch: closed, delete: closed },
      });
      expect(tags).toContainEqual({ name: 'Notes', description: expect.any(String) });
    });
  });
});

describe('a tutorial', () => {
  const change = (before: string) => stepsOf(`\`\`\`diff\n@@ file @@\n ${before}\n+new\n\`\`\`\n`);
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'daemun-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function changed(before: string): string {
    writeFileSync(join(folder, 'file'), 'one\ntwo\nthree\ntwo\n');
    for (const step of change(before)) if (step.kind !== 'run') follow(step, folder);
    return readFileSync(join(folder, 'file'), 'utf8');
  }

  it('inserts new lines after the quoted lines', () => {
    expect(changed('three')).toBe('one\ntwo\nthree\nnew\ntwo\n');
  });

  it.each([
    ['are missing', 'four'],
    ['occur twice', 'two'],
    ['are only a part of a line', 'thre'],
  ])('fails at quoted lines that %s', (_, before) => {
    expect(() => changed(before)).toThrow('file does not have these lines once');
  });
});

/** Returns the code in a cell of a table. */
function codeIn(cell: string): string | undefined {
  return /`([^`]+)`/.exec(cell)?.[1];
}
