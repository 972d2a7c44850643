import type { NamedTest } from './named-tests.mjs';

export function patches(): { readonly row: string; readonly file: string }[];
export function rowsWithTests(page: string): { readonly id: string; readonly tests: readonly NamedTest[] }[];
