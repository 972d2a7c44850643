import fc from 'fast-check';

const { HISTORIES, STORE_HISTORIES, PROCESS_RUNS, HISTORIES_SEED } = process.env;
if (HISTORIES_SEED !== undefined) fc.configureGlobal({ seed: Number(HISTORIES_SEED) });

/** Returns the number of histories for a property of the function: `few`, or the number of `npm run test:histories -- --runs`. */
export const runs = (few: number): number => Number(HISTORIES ?? few);
/** Returns the number of histories for a property of a store: `few`, or the number of `npm run test:histories -- --store-runs`. */
export const storeRuns = (few: number): number => Number(STORE_HISTORIES ?? few);
/** Returns the number of generated cases that start processes or interrupt stores for seconds: `few`, or `PROCESS_RUNS`. */
export const processRuns = (few: number): number => Number(PROCESS_RUNS ?? few);
