import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { databaseBulkhead } from '../database/pool-share.js';
import { withDeadline, type Queries } from '../database/deadline.js';
import { positionByAge } from '../http/pagination.js';
import type { QueueShare, Bulkhead } from '../concurrency/bulkhead.js';
import type { SearchPosition } from './post-query.js';
import { LISTED, type PostRow } from './post-row.js';

/** Searches that wait for others. */
const WAITING = 8;
/** Time limit (ms) of the statements of a search together. */
const SEARCH_MS = 1_000;

/** A search goes through so many of the newest posts first, and so much of their words: long posts are for the index. */
const NEWEST = 500;
const NEWEST_BYTES = 2_000_000;

const ASKED = 'asked AS MATERIALIZED (SELECT board.search_terms($1, $2) AS terms)';
/** The better of two ways in which a post can fit what is asked in its period. */
const FITS = {
  title: (asked: string) => `p.title_vector @@ ${asked}`,
  body: (asked: string) => `p.text_vector @@ ${asked} AND NOT p.title_vector @@ ${asked}`,
} as const;
type Part = keyof typeof FITS;
const AFTER = '($3::timestamptz IS NULL OR (p.created_at, p.id) < ($3, $4::uuid))';
const IN_ORDER = 'ORDER BY p.created_at DESC, p.id DESC';
const SHOWN = (part: Part) => `
  SELECT ${LISTED}, '${part}' AS part FROM found
  JOIN board.posts p USING (id) JOIN board.post_counters t ON t.post_id = p.id ${IN_ORDER}`;

/** Words that are common are found quickly among the newest posts… */
const AMONG_NEWEST = (part: Part) => `
  WITH ${ASKED}, latest AS (
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
    SELECT p.id FROM newest p JOIN periods USING (period) WHERE ${FITS[part]('periods.asked')} ${IN_ORDER} LIMIT $5
  ) ${SHOWN(part)}`;

/**
 * …and of others the index names few in each period. The periods are gone through from the newest on, and no further than
 * until enough are found, since nothing sorts them all.
 */
const AMONG_ALL = (part: Part) => `
  WITH ${ASKED}, periods AS (
    SELECT board.search_query(period, terms) AS asked FROM asked, generate_series(
      board.search_period(least($3, (SELECT max(created_at) FROM board.posts WHERE board_id = $1))),
      board.search_period((SELECT min(created_at) FROM board.posts WHERE board_id = $1)), -1) AS period
  ), found AS MATERIALIZED (
    SELECT fitting.id FROM periods CROSS JOIN LATERAL (
      SELECT p.id FROM board.posts p WHERE ${FITS[part]('periods.asked')} AND ${AFTER} ${IN_ORDER} LIMIT $5
    ) AS fitting LIMIT $5
  ) ${SHOWN(part)}`;

const STEPS = (['title', 'body'] as const).map((part) => ({
  part,
  ways: [AMONG_NEWEST(part), AMONG_ALL(part)],
}));

type FoundRow = PostRow & Pick<SearchPosition, 'part'>;

/**
 * Finds the posts of a board that have all the words of a query, or words that begin with them. First come those that have
 * them all in the title, then the others; the newest first in each.
 */
@Injectable()
export class PostSearch {
  private readonly bulkhead: Bulkhead;

  constructor(private readonly dataSource: DataSource) {
    this.bulkhead = databaseBulkhead(dataSource, WAITING, 'a search');
  }

  /**
   * At most `most` rows, from `place` on. Parties take turns.
   * @throws {Problem} `temporarily_unavailable` when too many are waiting, or where its statements take longer than a second.
   */
  find(
    party: QueueShare,
    boardId: string,
    q: string,
    most: number,
    place?: SearchPosition,
  ): Promise<FoundRow[]> {
    return this.bulkhead.run(
      () => withDeadline(this.dataSource, SEARCH_MS, (db) => search(db, [boardId, q], most, place)),
      party,
    );
  }

  /** Where a row stands among all that fit. */
  readonly positionOf = (row: FoundRow): SearchPosition => ({ part: row.part, ...positionByAge(row) });
}

async function search(
  db: Queries,
  asked: readonly [boardId: string, q: string],
  most: number,
  place: SearchPosition | undefined,
): Promise<FoundRow[]> {
  const found: FoundRow[] = [];
  for (const { part, ways } of STEPS) {
    if (place?.part === 'body' && part === 'title') continue;
    const after = place?.part === part ? [new Date(place.at), place.id] : [null, null];
    const wanted = most - found.length;
    let rows: FoundRow[] = [];
    for (const way of ways) {
      if (rows.length < wanted) rows = await db.query(way, [...asked, ...after, wanted]);
    }
    found.push(...rows);
    if (found.length === most) break;
  }
  return found;
}
