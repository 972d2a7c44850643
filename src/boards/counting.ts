import type { EntityManager } from 'typeorm';
import { Problem } from '../problems/problem.js';

/** Changes a counter of a post, and records the change: the popular list (post-lists.ts) reads recent changes. */
const COUNT = (column: 'like_count' | 'comment_count') => `
  WITH counted AS (
    UPDATE board.post_counters SET ${column} = ${column} + $2 WHERE post_id = $1
    RETURNING board_id, post_id, ${column} AS count
  ), noted AS (
    INSERT INTO board.counter_changes (board_id, post_id, change) SELECT board_id, post_id, $2 FROM counted
  )
  SELECT count FROM counted`;
const STATEMENTS = { likes: COUNT('like_count'), comments: COUNT('comment_count') };

/**
 * Adds 1 or -1 to a counter of a post, in the transaction that adds or removes the like or the comment. Returns the new
 * count. The post must be locked ({@link lockPost}).
 * @throws {Problem} `post_not_found`.
 */
export async function count(
  db: EntityManager,
  counter: keyof typeof STATEMENTS,
  postId: string,
  change: 1 | -1,
): Promise<number> {
  const [row] = await db.query<{ count: number }[]>(STATEMENTS[counter], [postId, change]);
  if (row === undefined) throw new Problem('post_not_found');
  return row.count;
}

/**
 * Locks a post against deletion until the transaction ends. Transactions that change likes or comments of a post lock the
 * post first, as its deletion does, because another order could deadlock.
 * @throws {Problem} `post_not_found`.
 */
export async function lockPost(db: EntityManager, id: string): Promise<void> {
  const locked = await db.query<unknown[]>('SELECT FROM board.posts WHERE id = $1 FOR KEY SHARE', [id]);
  if (locked.length === 0) throw new Problem('post_not_found');
}
