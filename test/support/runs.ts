import fc from 'fast-check';

const { HISTORIES, STORE_HISTORIES, HISTORIES_SEED } = process.env;
if (HISTORIES_SEED !== undefined) fc.configureGlobal({ seed: Number(HISTORIES_SEED) });

/** Number of histories for a property of the function: `few`, or what `npm run test:histories -- --runs` says. */
export const runs = (few: number): number => Number(HISTORIES ?? few);
/** Number of histories for a property of a store: `few`, or what `npm run test:histories -- --store-runs` says. */
export const storeRuns = (few: number): number => Number(STORE_HISTORIES ?? few);
