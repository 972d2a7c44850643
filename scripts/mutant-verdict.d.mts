import type { NamedTest } from './named-tests.mjs';

/** Used part of Jest's report. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}
export function verdictOn(
  run: { readonly report: Report | undefined; readonly output: string; readonly timedOut: boolean },
  cited: readonly NamedTest[],
): { readonly verdict: 'killed' | 'survived' | 'broken'; readonly note: string };
