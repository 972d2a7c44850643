import { z } from 'zod';
import { cursorTo, latestTimestampMs, limit, cursorPosition, type Cursor } from '../http/pagination.js';
import { text } from '../text/user-text.js';

/** Text of a `pg_snapshot`: `xmin:xmax:xip,xip,…`, where `xip` are the transactions in progress. */
const snapshot = z.string().refine((text) => {
  if (!/^[1-9]\d{0,17}:[1-9]\d{0,17}:(\d+(,\d+)*)?$/.test(text)) return false;
  const [xmin = 0n, xmax = 0n, ...running] = (text.match(/\d+/g) ?? []).map(BigInt);
  const inOrder = running.every((id, i) => id > (running[i - 1] ?? xmin - 1n) && id < xmax);
  return xmin <= xmax && inOrder;
});

/** Value of `board.popularity`: at most the latest moment (s since 1970), plus one day for each doubling up to 2³¹. */
const popularity = z
  .int()
  .min(0)
  .refine((value) => value <= latestTimestampMs() / 1_000 + 31 * 86_400);

/** Shape of the cursor position of each list. */
const POSITIONS = {
  latest: cursorPosition,
  popular: z.strictObject({ popularity, id: z.uuid(), snapshot }),
  search: cursorPosition.extend({ part: z.enum(['title', 'body']) }),
};
type Positions = { [List in keyof typeof POSITIONS]: z.output<(typeof POSITIONS)[List]> };
export type PopularPosition = Positions['popular'];
export type SearchPosition = Positions['search'];

/** Validated query of `GET /boards/:slug/posts`: the list, and the position after which the page starts. */
export type PostQuery = { readonly limit: number } & (
  | { readonly list: 'latest'; readonly cursor?: Cursor<Positions['latest']> | undefined }
  | { readonly list: 'popular'; readonly cursor?: Cursor<PopularPosition> | undefined }
  | { readonly list: 'search'; readonly q: string; readonly cursor?: Cursor<SearchPosition> | undefined }
);

/** Returns true if a request to `GET /boards/:slug/posts` is a search. Its query need not be validated yet. */
export function isSearch({ query }: { readonly query: unknown }): boolean {
  const { q } = query as { readonly q?: unknown };
  return typeof q === 'string' && q.trim() !== '';
}

/** Query of `GET /boards/:slug/posts`. A search ignores `sort`. */
export const postQuery = z
  .strictObject({
    cursor: z
      .string()
      .optional()
      .describe('The `nextCursor` of the page before, of the same list and query.'),
    limit,
    sort: z.enum(['latest', 'popular']).default('latest').describe('Ignored if `q` is given.'),
    q: text(0, 100)
      .optional()
      .describe(
        'Words, or beginnings of words, that a post must contain: at most 100 characters (extended grapheme clusters). The first ' +
          '12 words and the first 40 pairs of neighbouring Korean, Chinese or Japanese characters count (after NFKC); more are ignored.',
      ),
  })
  .transform(({ cursor, limit, sort, q = '' }, context): PostQuery => {
    const after = <T>(shape: z.ZodType<T>): Cursor<T> | undefined => {
      const { data, error } = cursorTo(shape).optional().safeParse(cursor);
      for (const issue of error?.issues ?? []) context.addIssue({ ...issue, path: ['cursor'] });
      return data;
    };
    if (q.trim() !== '') return { list: 'search', q, limit, cursor: after(POSITIONS.search) };
    if (sort === 'popular') return { list: sort, limit, cursor: after(POSITIONS.popular) };
    return { list: sort, limit, cursor: after(POSITIONS.latest) };
  });
