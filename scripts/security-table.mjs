// Checks that every test cited in docs/security.md ran and passed, with all cases of parametrised tests. Argument: Jest's
// --json output.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { asRun, namedTests } from './named-tests.mjs';

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ran = testResults.flatMap(({ name, assertionResults }) =>
  assertionResults.map(({ title, status }) => ({ file: relative('.', name), title, status })),
);
const named = namedTests(readFileSync('docs/security.md', 'utf8'));
const missing = named.filter(({ file, title }) => {
  const wanted = asRun(title);
  const forms = ran.filter((each) => each.file === file && wanted.test(each.title));
  return forms.length === 0 || forms.some(({ status }) => status !== 'passed');
});
if (missing.length > 0) {
  const list = missing.map(({ file, title }) => `${file} “${title}”`).join('\n  ');
  console.error(`docs/security.md cites tests that did not run or pass:\n  ${list}`);
  process.exit(1);
}
console.log(`security table: ${named.length} cited tests ran and passed`);
