import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { databaseBulkhead } from '../database/pool-share.js';
import { pageOf, positionByAge, positionIn, type Page } from '../http/pagination.js';
import { routedNetworkOf } from '../rate-limits/client-address.js';
import type { QueueShare, Bulkhead } from '../concurrency/bulkhead.js';
import { Authors } from './authors.js';
import { BoardsService } from './boards.service.js';
import type { PopularPosition, PostQuery } from './post-query.js';
import { LISTED, summaryOf, type PostRow } from './post-row.js';
import type { PostSummary } from './post-schemas.js';
import { PostSearch } from './post-search.js';

const LATEST = `
  SELECT ${LISTED} FROM board.posts p JOIN board.post_counters t ON t.post_id = p.id
  WHERE p.board_id = $1 AND ($2::timestamptz IS NULL OR (p.created_at, p.id) < ($2, $3::uuid))
  ORDER BY p.created_at DESC, p.id DESC LIMIT $4`;

/** First page of the popular list. Its snapshot identifies the likes and comments that are counted. */
const MOST_POPULAR = `
  SELECT ${LISTED}, t.popularity::float8, pg_current_snapshot()::text AS snapshot
  FROM board.post_counters t JOIN board.posts p ON p.id = t.post_id
  WHERE t.board_id = $1 ORDER BY t.popularity DESC, t.post_id DESC LIMIT $2`;

/** Longest queue for later pages of the popular list. */
const MAX_QUEUED = 32;
/** Most likes and comments since the first page that a later page subtracts. */
const MAX_CHANGES = 2_000;

/**
 * Later page of the popular list. Likes and comments since the first page are subtracted, so that every post keeps its
 * position, and none is repeated or left out. Changes beyond {@link MAX_CHANGES} are not subtracted, and move posts.
 */
const NEXT_POPULAR = `
  WITH lately AS MATERIALIZED (
    SELECT post_id, change, transaction_id FROM board.counter_changes
    WHERE board_id = $1 AND transaction_id >= pg_snapshot_xmin($4::pg_snapshot) ORDER BY transaction_id LIMIT ${MAX_CHANGES}
  ), changed AS (
    SELECT post_id, sum(change)::integer AS change FROM lately
    WHERE NOT pg_visible_in_snapshot(transaction_id, $4::pg_snapshot) GROUP BY post_id
  ), place AS (
    (SELECT post_id, popularity FROM board.post_counters
     WHERE board_id = $1 AND (popularity, post_id) < ($2, $3::uuid) AND post_id NOT IN (SELECT post_id FROM changed)
     ORDER BY popularity DESC, post_id DESC LIMIT $5)
    UNION ALL
    SELECT post_id, board.popularity(greatest(0, like_count + comment_count - change), created_at)
    FROM changed JOIN board.post_counters USING (post_id)
  )
  SELECT ${LISTED}, place.popularity::float8, $4 AS snapshot
  FROM place JOIN board.post_counters t USING (post_id) JOIN board.posts p ON p.id = t.post_id
  WHERE (place.popularity, place.post_id) < ($2, $3::uuid)
  ORDER BY place.popularity DESC, place.post_id DESC LIMIT $5`;

type PopularRow = PostRow & Pick<PopularPosition, 'popularity' | 'snapshot'>;

/** Lists of a board's posts: latest, popular and search. A page reads as many rows as it shows, and one more. */
@Injectable()
export class PostLists {
  private readonly nextPopular: Bulkhead;

  constructor(
    private readonly dataSource: DataSource,
    private readonly boards: BoardsService,
    private readonly authors: Authors,
    private readonly search: PostSearch,
  ) {
    this.nextPopular = databaseBulkhead(dataSource, MAX_QUEUED, 'a page of popular posts');
  }

  /**
   * Returns a page of a list, without bodies. Searches and later pages of the popular list are queued fairly by network.
   * @throws {Problem} `board_not_found`; `temporarily_unavailable` if the queue is full.
   */
  async list(slug: string, query: PostQuery, address: string): Promise<Page<PostSummary>> {
    const share = { key: routedNetworkOf(address) };
    const { id: boardId } = await this.boards.get(slug);
    const { limit } = query;
    if (query.list === 'search') {
      const { q } = query;
      const list = `search ${boardId} ${q}`;
      const rows = await this.search.find(share, boardId, q, limit + 1, positionIn(list, query.cursor));
      return this.page({ list, slug, limit }, rows, this.search.positionOf);
    }
    const list = `${query.list} ${boardId}`;
    if (query.list === 'popular') {
      const rows = await this.popular(share, boardId, limit + 1, positionIn(list, query.cursor));
      return this.page({ list, slug, limit }, rows, ({ id, popularity, snapshot }) => ({
        popularity,
        id,
        snapshot,
      }));
    }
    const { at, id } = positionIn(list, query.cursor) ?? {};
    const since = at === undefined ? null : new Date(at);
    const rows = await this.dataSource.query<PostRow[]>(LATEST, [boardId, since, id ?? null, limit + 1]);
    return this.page({ list, slug, limit }, rows, positionByAge);
  }

  private popular(
    share: QueueShare,
    boardId: string,
    limit: number,
    position?: PopularPosition,
  ): Promise<PopularRow[]> {
    if (position === undefined) return this.dataSource.query(MOST_POPULAR, [boardId, limit]);
    const { popularity, id, snapshot } = position;
    return this.nextPopular.run(
      () => this.dataSource.query(NEXT_POPULAR, [boardId, popularity, id, snapshot, limit]),
      share,
    );
  }

  private async page<Row extends PostRow>(
    { list, slug, limit }: { readonly list: string; readonly slug: string; readonly limit: number },
    rows: readonly Row[],
    positionOf: (row: Row) => unknown,
  ): Promise<Page<PostSummary>> {
    const authorOf = await this.authors.findMany(rows.slice(0, limit));
    return pageOf(list, rows, limit, positionOf, (row) => summaryOf(row, slug, authorOf(row.authorId)));
  }
}
