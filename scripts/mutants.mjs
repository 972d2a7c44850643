// Proves the tests that docs/security.md cites. Each test/mutants/<row>.patch (a second one of a row: <row>-2.patch) breaks
// the requirement of its row; it is applied to a scratch copy of the repository, the tests that the row cites run there, and
// an assertion of one of them must fail. A patch that does not apply or compile, or with which no cited test runs, is broken.
//
// npm run test:mutants [-- V6.2.1 V3 …]     all mutants, or those of these rows or chapters
// npm run test:mutants -- --tenth SEED      a tenth of them, the same one for the same seed
// npm run test:mutants -- --list            the rows, their patches, and the files that they cite; runs nothing
// --jobs N: so many mutants at a time (2). --no-control: do not run the cited tests on the unchanged copy first.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { asRun } from './named-tests.mjs';
import { patches, rowsWithTests } from './mutant-files.mjs';
import { citedResults, verdictOn } from './mutant-verdict.mjs';

/** Milliseconds that one test may take, and all tests of one mutant. */
const TEST_TIMEOUT = 60_000;
const RUN_TIMEOUT = 300_000;
const NOT_COPIED = /^(\.git|\.env|node_modules|data|coverage|.*\.log)$/;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tenth: { type: 'string' },
    list: { type: 'boolean' },
    jobs: { type: 'string', default: '2' },
    'no-control': { type: 'boolean' },
  },
});
const rows = rowsWithTests(readFileSync('docs/security.md', 'utf8'));
const all = patches().filter(({ row }) => isAskedFor(row));
const chosen = options.tenth === undefined ? all : tenth(all, options.tenth);
const without = rows.filter(({ id }) => isAskedFor(id) && !all.some(({ row }) => row === id));

const jobs = Number(options.jobs);
const unknown = positionals.filter(
  (asked) => !rows.some(({ id }) => id === asked || id.startsWith(`${asked}.`)),
);
if (unknown.length > 0) throw new Error(`no row that cites a test is called ${unknown.join(' or ')}`);
if (!Number.isInteger(jobs) || jobs < 1) throw new Error('--jobs takes a number from 1');
if (options.list) list();
else process.exitCode = (await run()) ? 0 : 1;

function isAskedFor(row) {
  return (
    positionals.length === 0 || positionals.some((asked) => row === asked || row.startsWith(`${asked}.`))
  );
}

/** The tenth with the smallest digests, in the order of the rows. */
function tenth(of, seed) {
  const digest = ({ file }) =>
    createHash('sha256')
      .update(`${seed} ${basename(file)}`)
      .digest('hex');
  const taken = of.toSorted((a, b) => (digest(a) < digest(b) ? -1 : 1)).slice(0, Math.ceil(of.length / 10));
  return of.filter((each) => taken.includes(each));
}

function list() {
  for (const { id, tests } of rows) {
    if (!isAskedFor(id)) continue;
    const own = all.filter(({ row }) => row === id).map(({ file }) => basename(file));
    const files = [...new Set(tests.map(({ file }) => basename(file)))];
    console.log(`${id.padEnd(8)} ${own.join(' ') || 'no patch'} (${files.join(' ')})`);
  }
  console.log(`${rows.length} rows cite tests, ${without.length} of them have no patch`);
}

/** Whether every mutant was killed. */
async function run() {
  const began = performance.now();
  if (chosen.length === 0) throw new Error('there is no mutant to run');
  if (options.tenth !== undefined) console.log(`a tenth of the mutants, seed ${options.tenth}`);
  const copies = [];
  // A copy that is left behind costs as much as the repository.
  process.once('exit', () => copies.forEach((copy) => rmSync(copy, { recursive: true, force: true })));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  for (let i = 0; i < Math.min(jobs, chosen.length); i++) copies.push(copyRepository());
  const control = options.tenth === undefined && !options['no-control'] && (await failsUnchanged(copies[0]));
  if (control) {
    console.error(`without any mutant, cited tests fail:\n${control}`);
    return false;
  }
  const waiting = [...chosen];
  const results = [];
  const work = async (copy) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const started = performance.now();
      const outcome = await judge(copy, next);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      results.push({ ...next, ...outcome });
      console.log(`${outcome.verdict.padEnd(8)} ${basename(next.file)} ${seconds} s  ${outcome.note}`);
    }
  };
  await Promise.all(copies.map(work));
  const of = (verdict) => results.filter((each) => each.verdict === verdict);
  const bad = [...of('survived'), ...of('broken')];
  for (const { file, row, verdict, note } of bad)
    console.error(`${row}: ${basename(file)} ${verdict}: ${note}`);
  if (options.tenth === undefined && without.length > 0)
    console.error(`rows that cite tests and have no patch: ${without.map(({ id }) => id).join(' ')}`);
  const counts = `${of('killed').length} killed, ${of('survived').length} survived, ${of('broken').length} broken`;
  console.log(
    `mutants: ${results.length} run, ${counts}, in ${Math.round((performance.now() - began) / 1000)} s`,
  );
  return bad.length === 0 && (options.tenth !== undefined || without.length === 0);
}

/** Applies a mutant, runs what its row cites, and takes the mutant back. */
async function judge(copy, { row, file }) {
  const cited = rows.find(({ id }) => id === row)?.tests ?? [];
  if (cited.length === 0) return { verdict: 'broken', note: 'its row cites no test' };
  const apply = (...more) =>
    execFileSync('git', ['apply', ...more, realpathSync(file)], { cwd: copy, stdio: 'pipe' });
  try {
    apply();
  } catch (error) {
    return { verdict: 'broken', note: `it does not apply: ${String(error.stderr).split('\n')[0]}` };
  }
  try {
    return verdictOn(await runTests(copy, cited), cited);
  } finally {
    apply('-R');
    restorePage(copy);
  }
}

/** The names of cited tests that fail, or do not run, without a mutant; undefined if there are none. */
async function failsUnchanged(copy) {
  const cited = rows.filter(({ id }) => chosen.some(({ row }) => row === id)).flatMap(({ tests }) => tests);
  const { report, output } = await runTests(copy, cited, 3 * RUN_TIMEOUT);
  if (report === undefined) return output.slice(-2000);
  const wrong = cited.filter((test) => {
    const ran = citedResults(report, [test]);
    return ran.length === 0 || ran.some(({ status }) => status !== 'passed');
  });
  const names = new Set(wrong.map(({ file, title }) => `${file} “${title}”`));
  return names.size === 0 ? undefined : [...names].join('\n');
}

/** Runs these tests in a copy: Jest's report, what it wrote, and whether it had to be ended. */
async function runTests(copy, cited, limit = RUN_TIMEOUT) {
  const files = [...new Set(cited.map(({ file }) => file))];
  const titles = [...new Set(cited.map(({ title }) => `(?:^| )${asRun(title).source.slice(1)}`))];
  const target = join(copy, 'report.json');
  rmSync(target, { force: true });
  const jest = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      'node_modules/jest/bin/jest.js',
      '--maxWorkers=1',
      '--forceExit',
      '--json',
      `--outputFile=${target}`,
      `--testTimeout=${TEST_TIMEOUT}`,
      `--testNamePattern=${titles.join('|')}`,
      '--runTestsByPath',
      ...files,
    ],
    { cwd: copy, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [jest.stdout, jest.stderr]) stream.on('data', (data) => (output += String(data)));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (jest.pid !== undefined) process.kill(-jest.pid, 'SIGKILL');
  }, limit);
  await new Promise((resolve) => jest.once('exit', resolve));
  clearTimeout(timer);
  try {
    return { report: JSON.parse(readFileSync(target, 'utf8')), output, timedOut };
  } catch {
    return { report: undefined, output, timedOut };
  }
}

/** The repository as it is now, with its packages, a `.git` that could be served, and the page built of it. */
function copyRepository() {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'daemun-mutants-')));
  cpSync('.', copy, { recursive: true, filter: (path) => !NOT_COPIED.test(basename(path)) });
  symlinkSync(realpathSync('node_modules'), join(copy, 'node_modules'));
  execFileSync('git', ['init', '-q'], { cwd: copy });
  execFileSync(process.execPath, ['scripts/build-web.mjs'], { cwd: copy, stdio: 'pipe' });
  cpSync(join(copy, 'dist/web'), join(copy, 'dist/unchanged-web'), { recursive: true });
  return copy;
}

/** Puts back the page that a mutant may have had built, which is faster than to build it again. */
function restorePage(copy) {
  rmSync(join(copy, 'dist/web'), { recursive: true, force: true });
  cpSync(join(copy, 'dist/unchanged-web'), join(copy, 'dist/web'), { recursive: true });
}
