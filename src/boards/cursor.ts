import { z } from 'zod';

/** By what lists are sorted. The id decides between what was made in the same millisecond. */
interface Place {
  readonly createdAt: Date;
  readonly id: string;
}

/** A page of a list, and how to ask for the next. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** The last millisecond that ISO 8601 writes with four digits for the year. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const place = z.strictObject({ at: z.int().min(0).max(LATEST), id: z.uuid() });

/** `?cursor=`: where the last page ended. Opaque to clients, and so checked like anything that they send. */
const cursor = z
  .string()
  .max(200)
  .describe('The `nextCursor` of the page before.')
  .transform((text, context): Place => {
    const parsed = place.safeParse(readJson(Buffer.from(text, 'base64url').toString()));
    if (parsed.success) return { createdAt: new Date(parsed.data.at), id: parsed.data.id };
    context.addIssue('must be a nextCursor of this list');
    return z.NEVER;
  });

const limit = z.coerce.number().int().min(1).max(100).default(20);

/** The query of every list. */
export const listQuery = z.strictObject({ cursor: cursor.optional(), limit });
export type ListQuery = z.output<typeof listQuery>;

/** The page from rows of which one more than `limit` was asked for: that one says whether there is a next page. */
export function pageOf<T extends Place>(rows: readonly T[], limit: number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? cursorAfter(last) : null };
}

function cursorAfter({ createdAt, id }: Place): string {
  return Buffer.from(JSON.stringify({ at: createdAt.getTime(), id })).toString('base64url');
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
