import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { placeByAge } from '../paging.js';
import type { PostQuery, SearchPlace } from './post-query.js';
import { LISTED, type PostRow } from './post-row.js';

/** A search goes through so many of the newest posts first. */
const NEWEST = 2_000;

/** The better of two ways in which a post can fit. */
const FITS = {
  title: 'p.title_words @@ board.searched($1, $2)',
  body: 'p.words @@ board.searched($1, $2) AND NOT p.title_words @@ board.searched($1, $2)',
} as const;
const AFTER = '($3::timestamptz IS NULL OR (p.created_at, p.id) < ($3, $4::uuid))';
const IN_ORDER = 'ORDER BY p.created_at DESC, p.id DESC LIMIT $5';

/** Words that are common are found quickly among the newest posts… */
const AMONG_NEWEST = (part: keyof typeof FITS) => `
  WITH newest AS MATERIALIZED (
    SELECT p.id FROM board.posts p WHERE p.board_id = $1 AND ${AFTER}
    ORDER BY p.created_at DESC, p.id DESC LIMIT ${NEWEST}
  )
  SELECT ${LISTED}, '${part}' AS part FROM newest
  JOIN board.posts p USING (id) JOIN board.tallies t ON t.post_id = p.id WHERE ${FITS[part]} ${IN_ORDER}`;

/** …and words that are not among them are rare, so that the index names few posts. */
const AMONG_ALL = (part: keyof typeof FITS) => `
  WITH fitting AS MATERIALIZED (
    SELECT p.id, p.created_at FROM board.posts p WHERE ${FITS[part]}
  ), found AS (SELECT p.id FROM fitting p WHERE ${AFTER} ${IN_ORDER})
  SELECT ${LISTED}, '${part}' AS part FROM found
  JOIN board.posts p USING (id) JOIN board.tallies t ON t.post_id = p.id ${IN_ORDER}`;

const STEPS = (['title', 'body'] as const).map((part) => ({
  part,
  ways: [AMONG_NEWEST(part), AMONG_ALL(part)],
}));

type FoundRow = PostRow & Pick<SearchPlace, 'part'>;

/**
 * Finds the posts of a board that have all the words of a query, or words that begin with them. First come those that have
 * them all in the title, then the others; the newest first in each.
 */
@Injectable()
export class PostSearch {
  constructor(private readonly dataSource: DataSource) {}

  /** One row more than the limit, if there are so many. */
  async find(boardId: string, query: Extract<PostQuery, { list: 'search' }>): Promise<FoundRow[]> {
    const { q, limit, place } = query;
    const found: FoundRow[] = [];
    for (const { part, ways } of STEPS) {
      if (place?.part === 'body' && part === 'title') continue;
      const after = place?.part === part ? [new Date(place.at), place.id] : [null, null];
      const wanted = limit + 1 - found.length;
      let rows: FoundRow[] = [];
      for (const way of ways) {
        if (rows.length < wanted) rows = await this.dataSource.query(way, [boardId, q, ...after, wanted]);
      }
      found.push(...rows);
      if (found.length > limit) break;
    }
    return found;
  }

  /** Where a row stands among all that fit. */
  readonly placeOf = (row: FoundRow): SearchPlace => ({ part: row.part, ...placeByAge(row) });
}
