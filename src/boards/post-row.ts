import type { Author } from './authors.js';
import type { PostSummary } from './post-schemas.js';

/** Columns of a post `p` and its counters `t` for lists: all but the body. */
export const LISTED = `p.id, p.author_id AS "authorId", p.title, p.excerpt, p.created_at AS "createdAt",
  p.updated_at AS "updatedAt", t.comment_count AS "commentCount", t.like_count AS "likeCount"`;

/** A row of {@link LISTED}. */
export interface PostRow {
  readonly id: string;
  readonly authorId: string;
  readonly title: string;
  readonly excerpt: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly commentCount: number;
  readonly likeCount: number;
}

/** Returns the list item for a row. */
export function summaryOf(row: PostRow, board: string, author: Author): PostSummary {
  const { id, title, excerpt, commentCount, likeCount } = row;
  const [createdAt, updatedAt] = [row.createdAt.toISOString(), row.updatedAt.toISOString()];
  return { id, board, title, excerpt, author, commentCount, likeCount, createdAt, updatedAt };
}
