// Verdict on a mutant after a run of the cited tests.
import { asRun } from './named-tests.mjs';

/** Failure of an assertion, a property, or a wait for a condition. An error in a hook does not match. */
const ASSERTION = /\bexpect\(|Property failed after|Timeout \d+ms exceeded|the condition was not true within/;
const TIMEOUT = /Exceeded timeout of \d+ ms for a test/;

/**
 * Returns `killed` if an assertion of a cited test failed or a test timed out, `survived` if all of them passed, otherwise
 * `broken`.
 */
export function verdictOn({ report, output, timedOut }, cited) {
  if (timedOut) return { verdict: 'killed', note: 'by timeout, of all tests together' };
  if (report === undefined) return { verdict: 'broken', note: `no report: ${output.slice(-300)}` };
  const ran = citedResults(report, cited);
  const failed = ran.filter(({ status }) => status === 'failed');
  const matches = ({ failureMessages }, pattern) => failureMessages.some((message) => pattern.test(message));
  const assertion = failed.find((test) => matches(test, ASSERTION));
  if (assertion) return { verdict: 'killed', note: `by “${assertion.title}”` };
  const slow = failed.find((test) => matches(test, TIMEOUT));
  if (slow) return { verdict: 'killed', note: `by timeout, in “${slow.title}”` };
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

/** Returns the results of the cited tests, with all cases of parametrised tests. */
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
