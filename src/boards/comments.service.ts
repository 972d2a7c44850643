import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, type EntityManager, type Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../access/actor.js';
import { pageOf, positionByAge, positionIn, type ListQuery, type Page } from '../http/pagination.js';
import { Problem } from '../problems/problem.js';
import { Authors, type Author } from './authors.js';
import { changeableBy, mayChange } from './authorship.js';
import type { CommentResponse, NewComment } from './comment-schemas.js';
import { Comment } from './comment.entity.js';
import { count, lockPost } from './counting.js';
import { Idempotency, type Caller } from '../http/idempotency.js';
import { Post } from './post.entity.js';
import { WriteTransactions } from '../database/write-transactions.js';

@Injectable()
export class CommentsService {
  constructor(
    private readonly dataSource: DataSource,
    @InjectRepository(Comment) private readonly comments: Repository<Comment>,
    private readonly authors: Authors,
    private readonly idempotency: Idempotency,
    private readonly writes: WriteTransactions,
  ) {}

  /** Returns a page of a post's comments, oldest first. @throws {Problem} `post_not_found`. */
  async list(postId: string, { cursor, limit }: ListQuery): Promise<Page<CommentResponse>> {
    const list = `comments of ${postId}`;
    const after = positionIn(list, cursor);
    const query = this.comments
      .createQueryBuilder('comment')
      .where('comment.postId = :postId', { postId })
      .orderBy({ 'comment.createdAt': 'ASC', 'comment.id': 'ASC' })
      .limit(limit + 1);
    if (after !== undefined) {
      query.andWhere('(comment.createdAt, comment.id) > (:at, :id)', {
        at: new Date(after.at),
        id: after.id,
      });
    }
    const rows = await query.getMany();
    if (rows.length === 0) await requirePost(this.dataSource.manager, postId);
    const authorOf = await this.authors.findMany(rows.slice(0, limit));
    return pageOf(list, rows, limit, positionByAge, (row) => toResponse(row, authorOf(row.authorId)));
  }

  /**
   * Adds a comment to a post, and increments the post's counter. Repeating an `Idempotency-Key` within a day returns the
   * stored result of the first call.
   * @throws {Problem} `post_not_found`, `idempotency_key_reused`, `too_many_attempts`.
   */
  async write(actor: Actor, postId: string, { body }: NewComment, caller: Caller): Promise<CommentResponse> {
    const { accountId: authorId } = actor;
    const authorOf = await this.authors.findMany([{ authorId }]);
    const call = { limit: 'comment', request: ['comment', postId, body] } as const;
    return this.idempotency.run(actor, caller, call, async (db) => {
      await lockPost(db, postId);
      const id = uuidv7();
      await db.insert(Comment, { id, postId, authorId, body });
      await count(db, 'comments', postId, 1);
      return toResponse(await db.findOneByOrFail(Comment, { id }), authorOf(authorId));
    });
  }

  /** Changes a comment. Only the author and admins may. @throws {Problem} `comment_not_found`, `forbidden`. */
  async change(actor: Actor, id: string, { body }: NewComment): Promise<CommentResponse> {
    // Read in the same transaction, before another request can change the comment again.
    const comment = await this.writes.run(actor, async (db) => {
      const changes = { body, updatedAt: () => 'now()' };
      const { affected } = await db.update(Comment, { id, ...changeableBy(actor) }, changes);
      const found = await db.findOneBy(Comment, { id });
      if (found === null) throw new Problem('comment_not_found');
      if (affected === 0) throw new Problem('forbidden');
      return found;
    });
    const authorOf = await this.authors.findMany([comment]);
    return toResponse(comment, authorOf(comment.authorId));
  }

  /** Deletes a comment under the conditions of {@link change}. @throws {Problem} `comment_not_found`, `forbidden`. */
  async delete(actor: Actor, id: string): Promise<void> {
    const comment = await this.comments.findOneBy({ id });
    if (comment === null) throw new Problem('comment_not_found');
    if (!mayChange(actor, comment)) throw new Problem('forbidden');
    await this.writes.run(actor, async (db) => {
      await lockPost(db, comment.postId);
      const { affected } = await db.delete(Comment, { id });
      if (affected === 0) throw new Problem('comment_not_found');
      await count(db, 'comments', comment.postId, -1);
    });
  }
}

async function requirePost(db: EntityManager, id: string): Promise<void> {
  if (!(await db.existsBy(Post, { id }))) throw new Problem('post_not_found');
}

function toResponse({ id, postId, body, createdAt, updatedAt }: Comment, author: Author): CommentResponse {
  return { id, postId, body, author, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
