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
import { count, holdPost } from './counting.js';
import { Idempotency, type Caller } from '../http/idempotency.js';
import { Post } from './post.entity.js';
import { WriteTransactions } from '../database/write-transactions.js';

/** What people write under posts. */
@Injectable()
export class CommentsService {
  constructor(
    private readonly dataSource: DataSource,
    @InjectRepository(Comment) private readonly comments: Repository<Comment>,
    private readonly authors: Authors,
    private readonly idempotency: Idempotency,
    private readonly writes: WriteTransactions,
  ) {}

  /** A page of a post's comments, oldest first. @throws {Problem} `post_not_found`. */
  async list(postId: string, { cursor, limit }: ListQuery): Promise<Page<CommentResponse>> {
    const name = `comments of ${postId}`;
    const after = positionIn(name, cursor);
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
    if (rows.length === 0) await postMustBe(this.dataSource.manager, postId);
    const authorOf = await this.authors.findMany(rows.slice(0, limit));
    return pageOf(name, rows, limit, positionByAge, (row) => toResponse(row, authorOf(row.authorId)));
  }

  /**
   * Puts a comment under a post, and counts it there. With an `Idempotency-Key` that the actor used within a day, it answers
   * what it did then.
   * @throws {Problem} `post_not_found`, `idempotency_key_reused`, `too_many_attempts`.
   */
  async write(actor: Actor, postId: string, { body }: NewComment, caller: Caller): Promise<CommentResponse> {
    const { accountId: authorId } = actor;
    const authorOf = await this.authors.findMany([{ authorId }]);
    const call = { limit: 'comment', request: ['comment', postId, body] } as const;
    return this.idempotency.run(actor, caller, call, async (db) => {
      await holdPost(db, postId);
      const id = uuidv7();
      await db.insert(Comment, { id, postId, authorId, body });
      await count(db, 'comments', postId, 1);
      return toResponse(await db.findOneByOrFail(Comment, { id }), authorOf(authorId));
    });
  }

  /** Changes the actor's comment, or anyone's for an admin. @throws {Problem} `comment_not_found`, `forbidden`. */
  async change(actor: Actor, id: string, { body }: NewComment): Promise<CommentResponse> {
    // Read before anyone else can change it again.
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

  /** Deletes a comment on the same conditions as {@link change}. @throws {Problem} `comment_not_found`, `forbidden`. */
  async delete(actor: Actor, id: string): Promise<void> {
    const comment = await this.comments.findOneBy({ id });
    if (comment === null) throw new Problem('comment_not_found');
    if (!mayChange(actor, comment)) throw new Problem('forbidden');
    await this.writes.run(actor, async (db) => {
      await holdPost(db, comment.postId);
      const { affected } = await db.delete(Comment, { id });
      if (affected === 0) throw new Problem('comment_not_found');
      await count(db, 'comments', comment.postId, -1);
    });
  }
}

async function postMustBe(db: EntityManager, id: string): Promise<void> {
  if (!(await db.existsBy(Post, { id }))) throw new Problem('post_not_found');
}

function toResponse({ id, postId, body, createdAt, updatedAt }: Comment, author: Author): CommentResponse {
  return { id, postId, body, author, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
