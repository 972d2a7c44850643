import { z } from 'zod';

/** A page of a list, and how to ask for the next. */
export interface Page<T> {
  readonly items: T[];
  readonly nextCursor: string | null;
}

/** The last millisecond that ISO 8601 writes with four digits for the year. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** A moment (ms since 1970), as a cursor has it. */
const moment = z.int().min(0).max(LATEST);

/** Where a list by age goes on. The id decides between what was made in the same millisecond. */
export const place = z.strictObject({ at: moment, id: z.uuid() });
export type Place = z.output<typeof place>;

/** `?cursor=`: where the last page ended. Opaque to clients, and so checked like anything that they send. */
export function cursorTo<T>(shape: z.ZodType<T>) {
  return z
    .string()
    .max(4_000)
    .describe('The `nextCursor` of the page before.')
    .transform((text, context): T => {
      const parsed = shape.safeParse(readJson(Buffer.from(text, 'base64url').toString()));
      if (parsed.success) return parsed.data;
      context.addIssue('must be a nextCursor of this list');
      return z.NEVER;
    });
}

/** `?limit=`. */
export const limit = z.coerce.number().int().min(1).max(100).default(20);

/** The query of a list by age. */
export const listQuery = z.strictObject({ cursor: cursorTo(place).optional(), limit });
export type ListQuery = z.output<typeof listQuery>;

/** The shape of a page. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('`?cursor=` of the next page; null on the last.'),
  });
}

/**
 * The page from rows of which one more than `limit` was asked for: that one says whether there is a next page. `placeOf`
 * says where a row stands in the list.
 */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  placeOf: (row: Row) => unknown,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  const nextCursor = more ? Buffer.from(JSON.stringify(placeOf(last))).toString('base64url') : null;
  return { items: shown.map(itemOf), nextCursor };
}

/** Where a row stands in a list by age. */
export function placeByAge({ createdAt, id }: { readonly createdAt: Date; readonly id: string }): Place {
  return { at: createdAt.getTime(), id };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
