import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, In, type EntityManager, type FindOptionsWhere, type Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../access/actor.js';
import { Problem } from '../problems/problem.js';
import { changeableBy, mayChange } from './authorship.js';
import { Authors, type Author } from './authors.js';
import { Board } from './board.entity.js';
import { excerptOf } from './excerpt.js';
import { Idempotency, type Caller } from '../http/idempotency.js';
import { LISTED, summaryOf, type PostRow } from './post-row.js';
import type { NewPost, PostResponse, PostChanges } from './post-schemas.js';
import { Post } from './post.entity.js';
import { rowsOf } from '../database/rows.js';
import { WriteTransactions } from '../database/write-transactions.js';

/** A post and its version. */
interface VersionedPost {
  readonly post: PostResponse;
  readonly version: number;
}

/** A row of {@link READ}. */
interface WholeRow extends PostRow {
  readonly board: string;
  readonly body: string;
  readonly version: number;
  readonly likedByMe: boolean;
}
const READ = `
  SELECT ${LISTED}, b.slug AS board, p.body, p.version,
    EXISTS (SELECT FROM board.likes l WHERE l.post_id = p.id AND l.account_id = $2) AS "likedByMe"
  FROM board.posts p JOIN board.post_counters t ON t.post_id = p.id JOIN board.boards b ON b.id = p.board_id
  WHERE p.id = $1`;

const COUNT_POST = 'UPDATE board.boards SET post_count = post_count + 1 WHERE slug = $1 RETURNING id';

@Injectable()
export class PostsService {
  constructor(
    private readonly dataSource: DataSource,
    @InjectRepository(Post) private readonly posts: Repository<Post>,
    private readonly authors: Authors,
    private readonly idempotency: Idempotency,
    private readonly writes: WriteTransactions,
  ) {}

  /** Returns a post, with `likedByMe` if there is an actor. @throws {Problem} `post_not_found`. */
  async get(actor: Actor | undefined, id: string): Promise<VersionedPost> {
    const row = await read(this.dataSource.manager, id, actor);
    const authorOf = await this.authors.findMany([row]);
    return versioned(row, authorOf(row.authorId), actor);
  }

  /**
   * Adds a post to a board, and increments the board's counter. Repeating an `Idempotency-Key` within a day returns the
   * stored result of the first call.
   * @throws {Problem} `board_not_found`, `idempotency_key_reused`, `too_many_attempts`.
   */
  async write(actor: Actor, slug: string, { title, body }: NewPost, caller: Caller): Promise<VersionedPost> {
    const { accountId: authorId } = actor;
    const authorOf = await this.authors.findMany([{ authorId }]);
    const call = { limit: 'post', request: ['post', slug, title, body] } as const;
    // The stored result has no body, because the repeated request contains it.
    const { post, version } = await this.idempotency.run(actor, caller, call, async (db) => {
      const [board] = await rowsOf<{ id: string }>(db, COUNT_POST, [slug]);
      if (board === undefined) throw new Problem('board_not_found');
      const [id, boardId] = [uuidv7(), board.id];
      await db.insert(Post, { id, boardId, authorId, title, body, excerpt: excerptOf(body) });
      const { post, version } = versioned(await read(db, id, actor), authorOf(authorId), actor);
      return { post: { ...post, body: '' }, version };
    });
    return { post: { ...post, body }, version };
  }

  /**
   * Changes a post if its version is in `versions`. Only the author and admins may.
   * @throws {Problem} `post_not_found`, `forbidden`, `version_conflict`.
   */
  async change(
    actor: Actor,
    id: string,
    changes: PostChanges,
    versions?: readonly number[],
  ): Promise<VersionedPost> {
    const set = {
      ...changes,
      ...(changes.body === undefined ? {} : { excerpt: excerptOf(changes.body) }),
      version: () => 'version + 1',
      updatedAt: () => 'now()',
    };
    // Read in the same transaction: the version in the response belongs to this change, not to a later one.
    const row = await this.writes.run(actor, async (db) => {
      const { affected } = await db.update(Post, changeable(actor, id, versions), set);
      return affected === 0 ? undefined : read(db, id, actor);
    });
    if (row === undefined) throw await this.refusal(actor, id);
    const authorOf = await this.authors.findMany([row]);
    return versioned(row, authorOf(row.authorId), actor);
  }

  /**
   * Deletes a post, with its comments and likes, under the conditions of {@link change}.
   * @throws {Problem} `post_not_found`, `forbidden`, `version_conflict`.
   */
  async delete(actor: Actor, id: string, versions?: readonly number[]): Promise<void> {
    const deleted = await this.writes.run(actor, async (db) => {
      const { raw } = await db
        .createQueryBuilder()
        .delete()
        .from(Post)
        .where(changeable(actor, id, versions))
        .returning('board_id')
        .execute();
      const [row] = raw as { board_id: string }[];
      if (row !== undefined) await db.decrement(Board, { id: row.board_id }, 'postCount', 1);
      return row !== undefined;
    });
    if (!deleted) throw await this.refusal(actor, id);
  }

  /** Returns the reason for which a statement with {@link changeable} matched no row. */
  private async refusal(actor: Actor, id: string): Promise<Problem> {
    const post = await this.posts.findOne({ select: { id: true, authorId: true }, where: { id } });
    if (post === null) return new Problem('post_not_found');
    return new Problem(mayChange(actor, post) ? 'version_conflict' : 'forbidden');
  }
}

async function read(db: EntityManager, id: string, actor: Actor | undefined): Promise<WholeRow> {
  const [row] = await db.query<WholeRow[]>(READ, [id, actor?.accountId ?? null]);
  if (row === undefined) throw new Problem('post_not_found');
  return row;
}

function versioned(row: WholeRow, author: Author, actor: Actor | undefined): VersionedPost {
  const { board, body, version, likedByMe } = row;
  const personal = actor === undefined ? {} : { likedByMe };
  return { post: { ...summaryOf(row, board, author), body, ...personal }, version };
}

/** Returns the condition for a change, so that check and change are one statement. */
function changeable(
  actor: Actor,
  id: string,
  versions: readonly number[] | undefined,
): FindOptionsWhere<Post> {
  const version = versions === undefined ? {} : { version: In(versions) };
  return { id, ...changeableBy(actor), ...version };
}
