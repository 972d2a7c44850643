// Mutation test of the tests that docs/security.md cites. Each test/mutants/<row>.patch (further ones: <row>-2.patch) breaks the
// requirement of its row. The script applies it to a copy of the repository and runs the cited tests there, and an assertion of
// one of them must fail. A patch is broken if it does not apply or compile, or if no cited test runs.
//
// npm run test:mutants [-- V6.2.1 V3 …]     all mutants, or the ones of rows or chapters
// npm run test:mutants -- --sample 12 --seed SEED  as many of them, the same ones for the same seed
// npm run test:mutants -- --list            lists the rows, their patches, and the cited files; runs nothing
// --jobs N: number of parallel mutants (2). --no-control: do not run the cited tests on the unchanged copy first.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { asRun } from './named-tests.mjs';
import { patches, rowsWithTests } from './mutant-files.mjs';
import { citedResults, verdictOn } from './mutant-verdict.mjs';

/** Time limit of a test, and of all tests of a mutant. */
const TEST_TIMEOUT_MS = 60_000;
const RUN_TIMEOUT_MS = 300_000;
const NOT_COPIED = /^(\.git|\.env|node_modules|data|coverage|.*\.log)$/;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '' },
    list: { type: 'boolean' },
    jobs: { type: 'string', default: '2' },
    'no-control': { type: 'boolean' },
  },
});
const rows = rowsWithTests(readFileSync('docs/security.md', 'utf8'));
const all = patches().filter(({ row }) => isSelected(row));
const chosen = options.sample === undefined ? all : sample(all, Number(options.sample));
const without = rows.filter(({ id }) => isSelected(id) && !all.some(({ row }) => row === id));

const jobs = Number(options.jobs);
const unknown = positionals.filter(
  (asked) => !rows.some(({ id }) => id === asked || id.startsWith(`${asked}.`)),
);
if (unknown.length > 0) throw new Error(`no row that cites a test is called ${unknown.join(' or ')}`);
if (!Number.isInteger(jobs) || jobs < 1) throw new Error('--jobs takes a number from 1');
if (options.list) list();
else process.exitCode = (await run()) ? 0 : 1;

function isSelected(row) {
  return (
    positionals.length === 0 || positionals.some((asked) => row === asked || row.startsWith(`${asked}.`))
  );
}

/** Returns the mutants with the smallest digests, in the order of the rows. */
function sample(of, count) {
  const digest = ({ file }) =>
    createHash('sha256')
      .update(`${options.seed} ${basename(file)}`)
      .digest('hex');
  const taken = of.toSorted((a, b) => (digest(a) < digest(b) ? -1 : 1)).slice(0, count);
  return of.filter((each) => taken.includes(each));
}

function list() {
  for (const { id, tests } of rows) {
    if (!isSelected(id)) continue;
    const own = all.filter(({ row }) => row === id).map(({ file }) => basename(file));
    const files = [...new Set(tests.map(({ file }) => basename(file)))];
    console.log(`${id.padEnd(8)} ${own.join(' ') || 'no patch'} (${files.join(' ')})`);
  }
  console.log(`${rows.length} rows cite tests, ${without.length} of them have no patch`);
}

/** Runs the mutants. Returns true if all of them were killed. */
async function run() {
  const began = performance.now();
  if (chosen.length === 0) throw new Error('there is no mutant to run');
  if (options.sample !== undefined) console.log(`${chosen.length} of the mutants, seed ${options.seed}`);
  const copies = [];
  // Copies are as large as the repository.
  process.once('exit', () => copies.forEach((copy) => rmSync(copy, { recursive: true, force: true })));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  for (let i = 0; i < Math.min(jobs, chosen.length); i++) copies.push(copyRepository());
  const control = options.sample === undefined && !options['no-control'] && (await failsUnchanged(copies[0]));
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
  if (options.sample === undefined && without.length > 0)
    console.error(`rows that cite tests and have no patch: ${without.map(({ id }) => id).join(' ')}`);
  const counts = `${of('killed').length} killed, ${of('survived').length} survived, ${of('broken').length} broken`;
  console.log(
    `mutants: ${results.length} run, ${counts}, in ${Math.round((performance.now() - began) / 1000)} s`,
  );
  return bad.length === 0 && (options.sample !== undefined || without.length === 0);
}

/** Applies a mutant, runs the tests that its row cites, and reverts the mutant. */
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

/** Returns the names of cited tests that fail or do not run without a mutant; undefined if there are none. */
async function failsUnchanged(copy) {
  const cited = rows.filter(({ id }) => chosen.some(({ row }) => row === id)).flatMap(({ tests }) => tests);
  const { report, output } = await runTests(copy, cited, 3 * RUN_TIMEOUT_MS);
  if (report === undefined) return output.slice(-2000);
  const wrong = cited.filter((test) => {
    const ran = citedResults(report, [test]);
    return ran.length === 0 || ran.some(({ status }) => status !== 'passed');
  });
  const names = new Set(wrong.map(({ file, title }) => `${file} “${title}”`));
  return names.size === 0 ? undefined : [...names].join('\n');
}

/** Runs cited tests in a copy. Returns Jest's report, its output, and `timedOut`. */
async function runTests(copy, cited, limitMs = RUN_TIMEOUT_MS) {
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
      `--testTimeout=${TEST_TIMEOUT_MS}`,
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
  }, limitMs);
  await new Promise((resolve) => jest.once('exit', resolve));
  clearTimeout(timer);
  try {
    return { report: JSON.parse(readFileSync(target, 'utf8')), output, timedOut };
  } catch {
    return { report: undefined, output, timedOut };
  }
}

/** Copies the repository, with its packages, a `.git` folder that could be served, and the built page. */
function copyRepository() {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'daemun-mutants-')));
  cpSync('.', copy, { recursive: true, filter: (path) => !NOT_COPIED.test(basename(path)) });
  symlinkSync(realpathSync('node_modules'), join(copy, 'node_modules'));
  execFileSync('git', ['init', '-q'], { cwd: copy });
  execFileSync(process.execPath, ['scripts/build-web.mjs'], { cwd: copy, stdio: 'pipe' });
  cpSync(join(copy, 'dist/web'), join(copy, 'dist/unchanged-web'), { recursive: true });
  return copy;
}

/** Restores the page, which a mutant may have rebuilt. Copying is faster than building. */
function restorePage(copy) {
  rmSync(join(copy, 'dist/web'), { recursive: true, force: true });
  cpSync(join(copy, 'dist/unchanged-web'), join(copy, 'dist/web'), { recursive: true });
}
