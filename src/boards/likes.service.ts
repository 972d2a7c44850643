import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Problem } from '../problems/problem.js';
import { count, lockPost } from './counting.js';
import type { LikeResponse } from './post-schemas.js';
import { changedRows } from '../database/rows.js';
import { WriteTransactions } from '../database/write-transactions.js';

const LIKE =
  'INSERT INTO board.likes (post_id, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING post_id';
const UNLIKE = 'DELETE FROM board.likes WHERE post_id = $1 AND account_id = $2';

@Injectable()
export class LikesService {
  constructor(private readonly writes: WriteTransactions) {}

  /** Adds the actor's like to a post. Idempotent. @throws {Problem} `post_not_found`. */
  async like(actor: Actor, postId: string): Promise<LikeResponse> {
    const likeCount = await this.writes.run(actor, async (db) => {
      await lockPost(db, postId);
      const liked = await db.query<unknown[]>(LIKE, [postId, actor.accountId]);
      return liked.length > 0 ? count(db, 'likes', postId, 1) : likeCountOf(db, postId);
    });
    return { likeCount, likedByMe: true };
  }

  /** Removes the actor's like from a post. Idempotent. @throws {Problem} `post_not_found`. */
  async unlike(actor: Actor, postId: string): Promise<LikeResponse> {
    const likeCount = await this.writes.run(actor, async (db) => {
      await lockPost(db, postId);
      const unliked = await changedRows(db, UNLIKE, [postId, actor.accountId]);
      return unliked > 0 ? count(db, 'likes', postId, -1) : likeCountOf(db, postId);
    });
    return { likeCount, likedByMe: false };
  }
}

async function likeCountOf(db: EntityManager, postId: string): Promise<number> {
  const [row] = await db.query<{ likeCount: number }[]>(
    'SELECT like_count AS "likeCount" FROM board.post_counters WHERE post_id = $1',
    [postId],
  );
  if (row === undefined) throw new Problem('post_not_found');
  return row.likeCount;
}
