import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { patches, rowsWithTests } from '../../scripts/mutant-files.mjs';
import { verdictOn } from '../../scripts/mutant-verdict.mjs';
import { until } from '../support/until.js';
import { asRun, namedTests, testsIn } from '../../scripts/named-tests.mjs';
import { REQUIRED } from '../support/asvs.js';

const run = promisify(execFile);
const page = readFileSync('docs/security.md', 'utf8');
const rows = page
  .split('\n')
  .flatMap((line) => /^\| (V\d+\.\d+\.\d+) +\| (L[123]) +\| .+? +\| (.+?) +\|$/.exec(line)?.slice(1) ?? [])
  .reduce<{ id: string; level: string; proof: string }[]>((all, cell, i, cells) => {
    if (i % 3 === 0) all.push({ id: cell, level: cells[i + 1] ?? '', proof: cells[i + 2] ?? '' });
    return all;
  }, []);
const citations = rows.flatMap(({ id, proof }) => namedTests(proof).map((named) => ({ id, ...named })));
const required = Object.entries(REQUIRED).flatMap(([section, levels]) =>
  levels.flatMap((numbers, i) => numbers.map((number) => `${section}.${number} L${i + 1}`)),
);

describe('the table of docs/security.md', () => {
  it('has every requirement of levels 1 and 2 once', () => {
    const ids = rows.filter(({ level }) => level !== 'L3').map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(203);
    const listed = rows.filter(({ level }) => level !== 'L3').map(({ id, level }) => `${id} ${level}`);
    expect(listed.toSorted()).toEqual(required.toSorted());
  });

  it('has no line that is not a row', () => {
    expect(page.match(/^\| V/gm)).toHaveLength(rows.length);
  });

  it('has a test or a reason in each row', () => {
    expect(rows.filter(({ proof }) => proof.trim().length < 10)).toEqual([]);
  });

  it('cites tests in one form only, so that every citation is checked', () => {
    expect(rows.flatMap(({ proof }) => proof.match(/\.test\.ts/g) ?? [])).toHaveLength(citations.length);
    // A second title after one file would be read as prose.
    expect(rows.filter(({ proof }) => /”, (?:and )?“/.test(proof)).map(({ id }) => id)).toEqual([]);
  });

  it.each(citations)('$id cites an existing test that is not skipped: $title', ({ file, title }) => {
    expect(existsSync(file)).toBe(true);
    const tests = testsIn(file).filter((test) => test.title === title);
    expect(tests).not.toEqual([]);
    expect(tests.filter(({ leftOut }) => leftOut)).toEqual([]);
  });

  it('names existing files', () => {
    const named = [...page.matchAll(/`((?:src|docs|scripts)\/[^`\s]+)`|\b(docs\/[\w-]+\.md)/g)].map(
      ([, code, plain]) => code ?? plain ?? '',
    );
    expect(named.filter((file) => !existsSync(file))).toEqual([]);
  });
});

/** Counts after a command, as in "finds nothing" and "shows two others". */
const COUNTS = ['nothing', 'one', 'two', 'three', 'four', 'five', 'six'];

describe('the commands of docs/security.md', () => {
  const claims = [...page.matchAll(/`(grep [^`]+)`(?: (?:finds|shows) (\w+))?/g)].map(
    ([, command = '', said = '']) => ({ command, said }),
  );

  it.each(claims)('have the result that the page states: $command', async ({ command, said }) => {
    // grep exits with 1 without a match, and with 2 if it cannot read a file.
    const { stdout } = await run('sh', ['-c', `${command}; test $? -lt 2`]);
    const lines = stdout.split('\n').length - 1;
    const expected = COUNTS.indexOf(said);
    if (expected < 0) expect(lines).toBeGreaterThan(0);
    else expect({ lines, stdout }).toEqual({ lines: expected, stdout });
  });
});

describe('mutants', () => {
  const cited = rowsWithTests(page);
  const mutants = patches();

  it('exist for every row that cites a test', () => {
    const without = cited.filter(({ id }) => !mutants.some(({ row }) => row === id));
    expect(without.map(({ id }) => id)).toEqual([]);
  });

  it('belong to rows that cite a test', () => {
    expect(mutants.filter(({ row }) => !cited.some(({ id }) => id === row))).toEqual([]);
  });

  it.each(mutants)('apply to the current code: $file', async ({ file }) => {
    expect(readFileSync(file, 'utf8')).not.toMatch(/^\+\+\+ b\/test\//m);
    await expect(run('git', ['apply', '--check', file])).resolves.toBeDefined();
  });
});

describe('the verdict on a mutant', () => {
  const cited = [{ file: 'test/x.test.ts', title: 'refuses %s' }];
  const verdict = (tests: readonly [title: string, status: string, failure?: string][], message = '') => {
    const assertionResults = tests.map(([title, status, failure]) => ({
      title,
      status,
      failureMessages: failure === undefined ? [] : [failure],
    }));
    const status = tests.some(([, each]) => each === 'passed') ? 'passed' : 'failed';
    const testResults = [{ name: '/copy/test/x.test.ts', status, message, assertionResults }];
    return verdictOn({ report: { testResults }, output: '', timedOut: false }, cited).verdict;
  };
  const assertion = 'Error: expect(received).toBe(expected)';

  it('is killed if an assertion of a cited test failed or the test timed out', () => {
    expect(
      verdict([
        ['refuses a', 'passed'],
        ['refuses b', 'failed', assertion],
      ]),
    ).toBe('killed');
    expect(verdict([['refuses a', 'failed', 'thrown: "Exceeded timeout of 60000 ms for a test."']])).toBe(
      'killed',
    );
  });

  it('is killed if a cited test timed out while it waited for a condition', async () => {
    const { message } = await until(() => false, 1).then(
      () => new Error('the wait ended'),
      (error: unknown) => error as Error,
    );
    expect(verdict([['refuses a', 'failed', message]])).toBe('killed');
  });

  it('is survived if all cited tests passed, and other tests have no effect', () => {
    expect(
      verdict([
        ['refuses a', 'passed'],
        ['takes b', 'failed', assertion],
      ]),
    ).toBe('survived');
  });

  it('is broken if no cited test ran, or only an error was thrown', () => {
    expect(
      verdict([
        ['refuses a', 'pending'],
        ['takes b', 'passed'],
      ]),
    ).toBe('broken');
    expect(verdict([], 'Expected a semicolon')).toBe('broken');
    expect(verdict([['refuses a', 'failed', 'TypeError: app is undefined\n at beforeAll']])).toBe('broken');
    expect(verdictOn({ report: undefined, output: 'out of memory', timedOut: false }, cited).verdict).toBe(
      'broken',
    );
  });
});

describe('the parser of tests', () => {
  const tests = testsIn('test/support/left-out.example.ts');

  it('reports skipped tests, also within a skipped group', () => {
    expect(tests).toEqual([
      { title: 'runs', leftOut: false },
      { title: 'runs for %s', leftOut: false },
      { title: 'is skipped', leftOut: true },
      { title: 'is skipped for each', leftOut: true },
      { title: 'is in a group that is skipped', leftOut: true },
      { title: 'is yet to be written', leftOut: true },
    ]);
  });

  it('matches a test that ran only by its complete title', () => {
    const fits = (title: string, ran: string) => asRun(title).test(ran);
    expect(fits('refuses %s', 'refuses a line end')).toBe(true);
    expect(fits('with "$fault" at $at', 'with "reset" at token')).toBe(true);
    expect(fits('is closed', 'is closed also within a controller that is public')).toBe(false);
    expect(fits('costs 5 %', 'costs 5 %')).toBe(true);
  });
});
