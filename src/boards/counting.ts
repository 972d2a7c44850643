import type { EntityManager } from 'typeorm';
import { Problem } from '../problems/problem.js';

/** Changes one of a post's counters by one, and writes down that it did: post-lists.ts asks for what changed lately. */
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
 * Counts a like or a comment that came (1) or went (-1), in the transaction in which it did; the count afterwards. The post
 * must be held ({@link holdPost}).
 * @throws {Problem} `post_not_found`.
 */
export async function count(
  db: EntityManager,
  what: keyof typeof STATEMENTS,
  postId: string,
  change: 1 | -1,
): Promise<number> {
  const [row] = await db.query<{ count: number }[]>(STATEMENTS[what], [postId, change]);
  if (row === undefined) throw new Problem('post_not_found');
  return row.count;
}

/**
 * Keeps a post from being deleted until the transaction ends. Whoever changes what belongs to a post holds it first, as its
 * deletion does: in another order the two would wait for each other.
 * @throws {Problem} `post_not_found`.
 */
export async function holdPost(db: EntityManager, id: string): Promise<void> {
  const held = await db.query<unknown[]>('SELECT FROM board.posts WHERE id = $1 FOR KEY SHARE', [id]);
  if (held.length === 0) throw new Problem('post_not_found');
}
