import Sequencer from '@jest/test-sequencer';

/** Suites that take longer than half a minute. Where one of them starts last, the other workers wait for it. */
const SLOW = [
  'web/swagger-ui',
  'docs/add-a-module',
  'client/browser',
  'database/postgres-installations',
  'cluster/',
  'protocol/two-processes',
  'access/logout-everywhere',
  'web/',
  'http/request-budget',
  'auth/local/',
  'auth/keys/',
  'auth/rate-limits/',
];

/** Starts slow suites first. Jest itself knows their durations only after a run on the same machine. */
export default class SlowestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const found = SLOW.findIndex((part) => path.includes(`/test/${part}`));
      return found === -1 ? SLOW.length : found;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- it is a method of the sequencer
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
}
