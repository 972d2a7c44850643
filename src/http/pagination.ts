import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Problem } from '../problems/problem.js';

/** A page of a list, and how to ask for the next. */
export interface Page<T> {
  readonly items: T[];
  readonly nextCursor: string | null;
}

/** No row is newer than this (ms) from now: clocks differ, and imported rows may have the time of another zone. */
const SKEW_MS = 86_400_000;

/** The latest moment (ms since 1970) of a row. */
export const latestMoment = (): number => Date.now() + SKEW_MS;

/** A moment (ms since 1970), as a cursor has it. */
const moment = z
  .int()
  .min(0)
  .refine((at) => at <= latestMoment());

/** Place in a list by age. The id decides between rows of the same millisecond. */
export const cursorPosition = z.strictObject({ at: moment, id: z.uuid() });
export type CursorPosition = z.output<typeof cursorPosition>;

/** A cursor whose place is in range. {@link positionIn} gives the place to the list that the cursor belongs to. */
export interface Cursor<T> {
  readonly list: string;
  readonly position: T;
}

const NOT_OF_THIS_LIST = { code: 'invalid_cursor', message: 'must be a nextCursor of this list' } as const;

/** `?cursor=`: where the last page ended. Opaque to clients, and so checked like anything that they send. */
export function cursorTo<T>(shape: z.ZodType<T>) {
  const whole = z.strictObject({ list: z.string(), position: shape });
  return z
    .string()
    .max(4_000)
    .describe('The `nextCursor` of the page before, of the same list and query.')
    .transform((text, context): Cursor<T> => {
      const parsed = whole.safeParse(readJson(Buffer.from(text, 'base64url').toString()));
      if (parsed.success) return parsed.data;
      const { code, message } = NOT_OF_THIS_LIST;
      context.addIssue({ code: 'custom', params: { code }, message });
      return z.NEVER;
    });
}

/** The `nextCursor` of a list; `list` names the list, its owner and its query. */
export function cursorOf(list: string, position: unknown): string {
  return Buffer.from(JSON.stringify({ list: tagOf(list), position })).toString('base64url');
}

/**
 * The place where a list goes on; undefined on the first page.
 * @throws {Problem} `validation_failed` for the cursor of another list.
 */
export function positionIn<T>(list: string, cursor: Cursor<T> | undefined): T | undefined {
  if (cursor === undefined || cursor.list === tagOf(list)) return cursor?.position;
  const { code, message } = NOT_OF_THIS_LIST;
  throw new Problem('validation_failed', { errors: [{ pointer: '/cursor', code, detail: message }] });
}

function tagOf(list: string): string {
  return createHash('sha256').update(list).digest('base64url').slice(0, 11);
}

/** Items of a page at most. */
export const MAX_ITEMS = 100;

/** `?limit=`. */
export const limit = z.coerce.number().int().min(1).max(MAX_ITEMS).default(20);

/** The query of a list by age. */
export const listQuery = z.strictObject({ cursor: cursorTo(cursorPosition).optional(), limit });
export type ListQuery = z.output<typeof listQuery>;

/** The shape of a page. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item).max(MAX_ITEMS),
    nextCursor: z.string().nullable().describe('`?cursor=` of the next page; null on the last.'),
  });
}

/**
 * The page from rows of which one more than `limit` was asked for: that one says whether there is a next page. `placeOf`
 * says where a row stands in the list, which {@link cursorOf} names.
 */
export function pageOf<Row, Item>(
  list: string,
  rows: readonly Row[],
  limit: number,
  placeOf: (row: Row) => unknown,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  const nextCursor = more ? cursorOf(list, placeOf(last)) : null;
  return { items: shown.map(itemOf), nextCursor };
}

/** Where a row stands in a list by age. */
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
