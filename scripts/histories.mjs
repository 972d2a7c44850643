// Runs the properties of refresh token rotation (docs/refresh.md) on many generated histories:
// npm run test:histories -- [--runs 100000] [--store-runs 20000] [--seed 1]
// `--runs`: histories for each property of the function; `--store-runs`: for each property of PostgreSQL and of Redis.
// The same seed and numbers repeat a run. Exits with 1 if a property fails; Jest prints the smallest counterexample.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    'store-runs': { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
});
const [runs, storeRuns, seed] = [values.runs, values['store-runs'], values.seed].map(Number);
if (![runs, storeRuns, seed].every(Number.isSafeInteger)) throw new Error('the options are whole numbers');
console.log(`seed ${seed}`);

const directory = mkdtempSync(join(tmpdir(), 'histories-'));
const results = join(directory, 'results.json');
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    'node_modules/jest/bin/jest.js',
    'test/protocol/refresh-histories.test.ts',
    'test/protocol/session-stores.test.ts',
    '--testNamePattern',
    '^(?!sessions in the embedded database|.*Redis Cluster).*(property 1|property 2 \\(detection\\): reuse is|in every history)',
    '--testTimeout',
    String(24 * 3_600_000),
    '--json',
    '--outputFile',
    results,
  ],
  {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      HISTORIES: String(runs),
      STORE_HISTORIES: String(storeRuns),
      HISTORIES_SEED: String(seed),
    },
  },
);
const { testResults } = JSON.parse(readFileSync(results, 'utf8'));
rmSync(directory, { recursive: true });
for (const { name, assertionResults } of testResults) {
  const histories = name.endsWith('session-stores.test.ts') ? storeRuns : runs;
  for (const { fullName, status: outcome, duration } of assertionResults) {
    if (outcome === 'pending') continue;
    const seconds = `${Math.round(duration / 1000)} s`;
    console.log(
      `${outcome}  ${String(histories).padStart(8)} histories  ${seconds.padStart(6)}  ${fullName}`,
    );
  }
}
process.exitCode = status ?? 1;
