import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { databaseBulkhead } from '../database/pool-share.js';
import { withDeadline, type Queries } from '../database/deadline.js';
import { positionByAge } from '../http/pagination.js';
import type { QueueShare, Bulkhead } from '../concurrency/bulkhead.js';
import type { SearchPosition } from './post-query.js';
import { LISTED, type PostRow } from './post-row.js';

/** Longest queue of searches. */
const MAX_QUEUED = 8;
/** Time limit of all statements of a search together. */
const SEARCH_MS = 1_000;

/** Bounds of the first statement of a search: posts, and bytes of their text vectors. Long posts are left to the index. */
const NEWEST = 500;
const NEWEST_BYTES = 2_000_000;

const TERMS = 'asked AS MATERIALIZED (SELECT board.search_terms($1, $2) AS terms)';
/** Conditions for a match in the title, and for a match in the body that is not one in the title. */
const MATCHES = {
  title: (asked: string) => `p.title_vector @@ ${asked}`,
  body: (asked: string) => `p.text_vector @@ ${asked} AND NOT p.title_vector @@ ${asked}`,
} as const;
type Part = keyof typeof MATCHES;
const AFTER = '($3::timestamptz IS NULL OR (p.created_at, p.id) < ($3, $4::uuid))';
const IN_ORDER = 'ORDER BY p.created_at DESC, p.id DESC';
const SELECT_FOUND = (part: Part) => `
  SELECT ${LISTED}, '${part}' AS part FROM found
  JOIN board.posts p USING (id) JOIN board.post_counters t ON t.post_id = p.id ${IN_ORDER}`;

/** Searches the newest posts without the index: common words are found quickly there. */
const AMONG_NEWEST = (part: Part) => `
  WITH ${TERMS}, latest AS (
    SELECT p.id, p.created_at, p.title_vector, p.text_vector, board.search_period(p.created_at) AS period
    FROM board.posts p WHERE p.board_id = $1 AND ${AFTER} ${IN_ORDER} LIMIT ${NEWEST}
  ), sized AS (
    SELECT *, sum(pg_column_size(p.text_vector)) OVER (${IN_ORDER}) AS size FROM latest p
  ), newest AS MATERIALIZED (
    SELECT * FROM sized WHERE size <= ${NEWEST_BYTES}
  ), periods AS MATERIALIZED (
    SELECT period, board.search_query(period, terms) AS asked
    FROM asked, (SELECT DISTINCT period FROM newest) AS those
  ), found AS MATERIALIZED (
    SELECT p.id FROM newest p JOIN periods USING (period) WHERE ${MATCHES[part]('periods.asked')} ${IN_ORDER} LIMIT $5
  ) ${SELECT_FOUND(part)}`;

/**
 * Searches all posts by the index, which finds few posts in each period for rare words. It visits periods from the newest
 * on, and stops at `$5` rows: no sort needs all matches.
 */
const AMONG_ALL = (part: Part) => `
  WITH ${TERMS}, periods AS (
    SELECT board.search_query(period, terms) AS asked FROM asked, generate_series(
      board.search_period(least($3, (SELECT max(created_at) FROM board.posts WHERE board_id = $1))),
      board.search_period((SELECT min(created_at) FROM board.posts WHERE board_id = $1)), -1) AS period
  ), found AS MATERIALIZED (
    SELECT fitting.id FROM periods CROSS JOIN LATERAL (
      SELECT p.id FROM board.posts p WHERE ${MATCHES[part]('periods.asked')} AND ${AFTER} ${IN_ORDER} LIMIT $5
    ) AS fitting LIMIT $5
  ) ${SELECT_FOUND(part)}`;

const STEPS = (['title', 'body'] as const).map((part) => ({
  part,
  statements: [AMONG_NEWEST(part), AMONG_ALL(part)],
}));

type FoundRow = PostRow & Pick<SearchPosition, 'part'>;

/**
 * Full-text search in the posts of a board. A post matches if it has every word of the query, or words that begin with
 * them. Matches in the title come first, then matches in the body, each newest first.
 */
@Injectable()
export class PostSearch {
  private readonly bulkhead: Bulkhead;

  constructor(private readonly dataSource: DataSource) {
    this.bulkhead = databaseBulkhead(dataSource, MAX_QUEUED, 'a search');
  }

  /**
   * Returns at most `limit` rows after `position`. `share` is the caller's share of the queue.
   * @throws {Problem} `temporarily_unavailable` if the queue is full, or after {@link SEARCH_MS}.
   */
  find(
    share: QueueShare,
    boardId: string,
    q: string,
    limit: number,
    position?: SearchPosition,
  ): Promise<FoundRow[]> {
    return this.bulkhead.run(
      () => withDeadline(this.dataSource, SEARCH_MS, (db) => search(db, [boardId, q], limit, position)),
      share,
    );
  }

  readonly positionOf = (row: FoundRow): SearchPosition => ({ part: row.part, ...positionByAge(row) });
}

async function search(
  db: Queries,
  query: readonly [boardId: string, q: string],
  limit: number,
  position: SearchPosition | undefined,
): Promise<FoundRow[]> {
  const found: FoundRow[] = [];
  for (const { part, statements } of STEPS) {
    if (position?.part === 'body' && part === 'title') continue;
    const after = position?.part === part ? [new Date(position.at), position.id] : [null, null];
    const missing = limit - found.length;
    let rows: FoundRow[] = [];
    for (const statement of statements) {
      if (rows.length < missing) rows = await db.query(statement, [...query, ...after, missing]);
    }
    found.push(...rows);
    if (found.length === limit) break;
  }
  return found;
}
