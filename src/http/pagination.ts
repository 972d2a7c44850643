import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Problem } from '../problems/problem.js';

/** A page of a list, with the cursor of the next page. */
export interface Page<T> {
  readonly items: T[];
  readonly nextCursor: string | null;
}

/** Tolerance for rows from the future: clocks differ, and imported rows may have the time of another zone. */
const SKEW_MS = 86_400_000;

/** Returns the latest timestamp of a row (ms since 1970). */
export const latestTimestampMs = (): number => Date.now() + SKEW_MS;

/** Timestamp in a cursor (ms since 1970). */
const timestampMs = z
  .int()
  .min(0)
  .refine((at) => at <= latestTimestampMs());

/** Position in a list by age. The id decides between rows of the same millisecond. */
export const cursorPosition = z.strictObject({ at: timestampMs, id: z.uuid() });
type CursorPosition = z.output<typeof cursorPosition>;

/** A cursor whose position is in range. {@link positionIn} checks the list that the cursor belongs to. */
export interface Cursor<T> {
  readonly list: string;
  readonly position: T;
}

const WRONG_CURSOR = { code: 'invalid_cursor', message: 'must be a nextCursor of this list' } as const;

/** `?cursor=`: end of the previous page. Opaque to clients, and validated like any input. */
export function cursorTo<T>(shape: z.ZodType<T>) {
  const whole = z.strictObject({ list: z.string(), position: shape });
  return z
    .string()
    .max(4_000)
    .describe('The `nextCursor` of the page before, of the same list and query.')
    .transform((text, context): Cursor<T> => {
      const parsed = whole.safeParse(readJson(Buffer.from(text, 'base64url').toString()));
      if (parsed.success) return parsed.data;
      const { code, message } = WRONG_CURSOR;
      context.addIssue({ code: 'custom', params: { code }, message });
      return z.NEVER;
    });
}

/** Returns a `nextCursor`. `list` identifies the list, with its owner and query. */
export function cursorOf(list: string, position: unknown): string {
  return Buffer.from(JSON.stringify({ list: tagOf(list), position })).toString('base64url');
}

/**
 * Returns the position after which a page starts; undefined for the first page.
 * @throws {Problem} `validation_failed` for the cursor of another list.
 */
export function positionIn<T>(list: string, cursor: Cursor<T> | undefined): T | undefined {
  if (cursor === undefined || cursor.list === tagOf(list)) return cursor?.position;
  const { code, message } = WRONG_CURSOR;
  throw new Problem('validation_failed', { errors: [{ pointer: '/cursor', code, detail: message }] });
}

function tagOf(list: string): string {
  return createHash('sha256').update(list).digest('base64url').slice(0, 11);
}

/** Largest number of items of a page. */
const MAX_ITEMS = 100;

/** `?limit=`. */
export const limit = z.coerce.number().int().min(1).max(MAX_ITEMS).default(20);

/** Query of a list by age. */
export const listQuery = z.strictObject({ cursor: cursorTo(cursorPosition).optional(), limit });
export type ListQuery = z.output<typeof listQuery>;

export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item).max(MAX_ITEMS),
    nextCursor: z.string().nullable().describe('`?cursor=` of the next page; null on the last.'),
  });
}

/**
 * Returns a page from `limit + 1` rows. The extra row shows that there is a next page. `positionOf` returns the cursor
 * position of a row.
 */
export function pageOf<Row, Item>(
  list: string,
  rows: readonly Row[],
  limit: number,
  positionOf: (row: Row) => unknown,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const pageRows = rows.slice(0, limit);
  const last = pageRows.at(-1);
  const hasNext = rows.length > limit && last !== undefined;
  const nextCursor = hasNext ? cursorOf(list, positionOf(last)) : null;
  return { items: pageRows.map(itemOf), nextCursor };
}

/** Returns the cursor position of a row in a list by age. */
export function positionByAge({
  createdAt,
  id,
}: {
  readonly createdAt: Date;
  readonly id: string;
}): CursorPosition {
  return { at: createdAt.getTime(), id };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
