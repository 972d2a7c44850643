import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { patches, rowsWithTests } from '../../scripts/mutant-files.mjs';
import { verdictOn } from '../../scripts/mutant-verdict.mjs';
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

  it('says of each what proves it, or why nothing does', () => {
    expect(rows.filter(({ proof }) => proof.trim().length < 10)).toEqual([]);
  });

  it('names tests in one form only, so that none goes unread', () => {
    expect(rows.flatMap(({ proof }) => proof.match(/\.test\.ts/g) ?? [])).toHaveLength(citations.length);
    // A second title behind one file would be taken for prose.
    expect(rows.filter(({ proof }) => /”, (?:and )?“/.test(proof)).map(({ id }) => id)).toEqual([]);
  });

  it.each(citations)('$id names a test that exists and is not skipped: $title', ({ file, title }) => {
    expect(existsSync(file)).toBe(true);
    const tests = testsIn(file).filter((test) => test.title === title);
    expect(tests).not.toEqual([]);
    expect(tests.filter(({ leftOut }) => leftOut)).toEqual([]);
  });

  it('names files that exist', () => {
    const named = [...page.matchAll(/`((?:src|docs|scripts)\/[^`\s]+)`|\b(docs\/[\w-]+\.md)/g)].map(
      ([, code, plain]) => code ?? plain ?? '',
    );
    expect(named.filter((file) => !existsSync(file))).toEqual([]);
  });
});

/** Counts in the sentence after a command: "finds nothing", "shows two others". */
const COUNTS = ['nothing', 'one', 'two', 'three', 'four', 'five', 'six'];

describe('the commands of docs/security.md', () => {
  const claims = [...page.matchAll(/`(grep [^`]+)`(?: (?:finds|shows) (\w+))?/g)].map(
    ([, command = '', said = '']) => ({ command, said }),
  );

  it.each(claims)('find what the page says: $command', async ({ command, said }) => {
    // grep exits with 1 where it finds nothing, and with 2 where it cannot read a file.
    const { stdout } = await run('sh', ['-c', `${command}; test $? -lt 2`]);
    const lines = stdout.split('\n').length - 1;
    const expected = COUNTS.indexOf(said);
    if (expected < 0) expect(lines).toBeGreaterThan(0);
    else expect({ lines, stdout }).toEqual({ lines: expected, stdout });
  });
});

describe('the mutants', () => {
  const cited = rowsWithTests(page);
  const mutants = patches();

  it('are there for every row that cites a test', () => {
    const without = cited.filter(({ id }) => !mutants.some(({ row }) => row === id));
    expect(without.map(({ id }) => id)).toEqual([]);
  });

  it('belong to rows that cite a test', () => {
    expect(mutants.filter(({ row }) => !cited.some(({ id }) => id === row))).toEqual([]);
  });

  it.each(mutants)('change the code as it is: $file', async ({ file }) => {
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

  it('is that it was killed where an assertion of a cited test failed, or the test did not end', () => {
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

  it('is that it survived where all cited tests passed, whatever others did', () => {
    expect(
      verdict([
        ['refuses a', 'passed'],
        ['takes b', 'failed', assertion],
      ]),
    ).toBe('survived');
  });

  it('is that it is broken where no cited test ran, the suite could not be read, or nothing but an error was thrown', () => {
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

describe('the reading of tests', () => {
  const tests = testsIn('test/support/left-out.example.ts');

  it('sees what is left out, itself or by the group around it', () => {
    expect(tests).toEqual([
      { title: 'runs', leftOut: false },
      { title: 'runs for %s', leftOut: false },
      { title: 'is skipped', leftOut: true },
      { title: 'is skipped for each', leftOut: true },
      { title: 'is in a group that is skipped', leftOut: true },
      { title: 'is yet to be written', leftOut: true },
    ]);
  });

  it('takes a test for one that ran only when the whole title fits', () => {
    const fits = (title: string, ran: string) => asRun(title).test(ran);
    expect(fits('refuses %s', 'refuses a line end')).toBe(true);
    expect(fits('with "$fault" at $at', 'with "reset" at token')).toBe(true);
    expect(fits('is closed', 'is closed also within a controller that is public')).toBe(false);
    expect(fits('costs 5 %', 'costs 5 %')).toBe(true);
  });
});
