// Holds docs/security.md to a run of the tests: every test that it names ran and passed. Argument: Jest's --json output.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const passed = testResults.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status === 'passed')
    .map(({ fullName }) => `${relative('.', name)} ${fullName}`),
);
/** A title as it is written may have places that are filled in. */
const pattern = (title) =>
  title
    .split(/%\w|\$\{[^}]*\}/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');

const missing = [];
let named = 0;
for (const [, file, title] of readFileSync('docs/security.md', 'utf8').matchAll(
  /`(test\/[\w-]+\.test\.ts)` “([^”]+)”/g,
)) {
  named++;
  const wanted = new RegExp(pattern(title));
  if (!passed.some((name) => name.startsWith(file) && wanted.test(name))) missing.push(`${file} “${title}”`);
}
if (missing.length > 0) {
  console.error(`docs/security.md names tests that did not run and pass:\n  ${missing.join('\n  ')}`);
  process.exit(1);
}
console.log(`security table: ${named} named tests ran and passed`);
