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

/** A page of popular posts says by its snapshot which likes and comments it has seen. */
const MOST_POPULAR = `
  SELECT ${LISTED}, t.popularity::float8, pg_current_snapshot()::text AS snapshot
  FROM board.post_counters t JOIN board.posts p ON p.id = t.post_id
  WHERE t.board_id = $1 ORDER BY t.popularity DESC, t.post_id DESC LIMIT $2`;

/** Next pages of popular posts that wait for others. */
const WAITING = 32;
/** Likes and comments since its first page that a page takes into account. */
const MOST_REACTIONS = 2_000;

/**
 * The pages after it show every post where it was then: what has been liked or commented on since is counted without that.
 * So nothing is shown twice, and nothing is passed over, as long as there are no more than {@link MOST_REACTIONS}; those
 * after them move posts.
 */
const NEXT_POPULAR = `
  WITH lately AS MATERIALIZED (
    SELECT post_id, change, transaction_id FROM board.counter_changes
    WHERE board_id = $1 AND transaction_id >= pg_snapshot_xmin($4::pg_snapshot) ORDER BY transaction_id LIMIT ${MOST_REACTIONS}
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

/** The posts of a board: the latest, the most popular, or those that have some words. Never more is read than is shown. */
@Injectable()
export class PostLists {
  private readonly nextPopular: Bulkhead;

  constructor(
    private readonly dataSource: DataSource,
    private readonly boards: BoardsService,
    private readonly authors: Authors,
    private readonly search: PostSearch,
  ) {
    this.nextPopular = databaseBulkhead(dataSource, WAITING, 'a page of popular posts');
  }

  /**
   * A page of the list that the query asks for, without bodies. Searches and popular posts of networks take turns.
   * @throws {Problem} `board_not_found`; `temporarily_unavailable` when too many searches or pages of popular posts are waiting.
   */
  async list(slug: string, query: PostQuery, address: string): Promise<Page<PostSummary>> {
    const party = { key: routedNetworkOf(address) };
    const { id: boardId } = await this.boards.get(slug);
    const { limit } = query;
    if (query.list === 'search') {
      const { q } = query;
      const list = `search ${boardId} ${q}`;
      const rows = await this.search.find(party, boardId, q, limit + 1, positionIn(list, query.cursor));
      return this.page({ list, slug, limit }, rows, this.search.positionOf);
    }
    const list = `${query.list} ${boardId}`;
    if (query.list === 'popular') {
      const rows = await this.popular(party, boardId, limit + 1, positionIn(list, query.cursor));
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
    party: QueueShare,
    boardId: string,
    limit: number,
    place?: PopularPosition,
  ): Promise<PopularRow[]> {
    if (place === undefined) return this.dataSource.query(MOST_POPULAR, [boardId, limit]);
    const { popularity, id, snapshot } = place;
    return this.nextPopular.run(
      () => this.dataSource.query(NEXT_POPULAR, [boardId, popularity, id, snapshot, limit]),
      party,
    );
  }

  private async page<Row extends PostRow>(
    { list, slug, limit }: { readonly list: string; readonly slug: string; readonly limit: number },
    rows: readonly Row[],
    placeOf: (row: Row) => unknown,
  ): Promise<Page<PostSummary>> {
    const authorOf = await this.authors.findMany(rows.slice(0, limit));
    return pageOf(list, rows, limit, placeOf, (row) => summaryOf(row, slug, authorOf(row.authorId)));
  }
}
