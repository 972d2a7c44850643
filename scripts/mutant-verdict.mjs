// What a run of the cited tests says of a mutant.
import { asRun } from './named-tests.mjs';

/** The failure of an assertion, of a property, or of a wait for what must be seen; an error in a hook has none of these. */
const ASSERTION = /\bexpect\(|Property failed after|Timeout \d+ms exceeded|it never came to be/;
const TIMEOUT = /Exceeded timeout of \d+ ms for a test/;

/**
 * `killed` when an assertion of a cited test failed, or a test did not end; `survived` when all of them passed; else `broken`.
 * A run is Jest's report, what it wrote, and whether it had to be ended.
 */
export function verdictOn({ report, output, timedOut }, cited) {
  if (timedOut) return { verdict: 'killed', note: 'by timeout, of all tests together' };
  if (report === undefined) return { verdict: 'broken', note: `no report: ${output.slice(-300)}` };
  const ran = citedResults(report, cited);
  const failed = ran.filter(({ status }) => status === 'failed');
  const says = ({ failureMessages }, pattern) => failureMessages.some((message) => pattern.test(message));
  const assertion = failed.find((test) => says(test, ASSERTION));
  if (assertion) return { verdict: 'killed', note: `by “${assertion.title}”` };
  const late = failed.find((test) => says(test, TIMEOUT));
  if (late) return { verdict: 'killed', note: `by timeout, in “${late.title}”` };
  if (failed.length > 0)
    return {
      verdict: 'broken',
      note: `no assertion failed, but: ${firstLine(failed[0].failureMessages[0])}`,
    };
  const unread = report.testResults.find(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  if (unread) return { verdict: 'broken', note: `it does not compile: ${firstLine(unread.message)}` };
  if (!ran.some(({ status }) => status === 'passed')) return { verdict: 'broken', note: 'no cited test ran' };
  return { verdict: 'survived', note: 'every cited test passes' };
}

/** What became of the cited tests, in every form that they have. */
export function citedResults({ testResults }, cited) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.filter(({ title, status }) =>
      cited.some(
        (each) => status !== 'pending' && name.endsWith(`/${each.file}`) && asRun(each.title).test(title),
      ),
    ),
  );
}

function firstLine(text = '') {
  return text.trim().split('\n').slice(0, 3).join(' ').slice(0, 200);
}
