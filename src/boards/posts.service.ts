import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, In, type FindOptionsWhere, type Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../access/actor.js';
import { Problem } from '../problems/problem.js';
import { Profiles, type PublicProfile } from '../users/profiles.js';
import { Board } from './board.entity.js';
import { BoardsService } from './boards.service.js';
import { pageOf, type ListQuery, type Page } from './cursor.js';
import { excerptOf } from './excerpt.js';
import { Post } from './post.entity.js';
import type { NewPost, PostChanges } from './schemas.js';

/** A post together with who wrote it: null when they have left. */
export interface Signed {
  readonly post: Post;
  readonly author: PublicProfile | null;
}

/** What people do with posts. */
@Injectable()
export class PostsService {
  constructor(
    private readonly dataSource: DataSource,
    @InjectRepository(Post) private readonly posts: Repository<Post>,
    private readonly boards: BoardsService,
    private readonly profiles: Profiles,
  ) {}

  /**
   * A page of a board's posts, newest first, without their bodies.
   * @throws {Problem} `board_not_found`.
   */
  async list(slug: string, { cursor, limit }: ListQuery): Promise<Page<Signed>> {
    const board = await this.boards.get(slug);
    const query = this.posts
      .createQueryBuilder('post')
      .select(LISTED)
      .where('post.boardId = :boardId', { boardId: board.id })
      .orderBy({ 'post.createdAt': 'DESC', 'post.id': 'DESC' })
      .limit(limit + 1);
    if (cursor !== undefined) query.andWhere('(post.createdAt, post.id) < (:createdAt, :id)', cursor);
    const { items, nextCursor } = pageOf(await query.getMany(), limit);
    return { items: await this.sign(items.map((post) => Object.assign(post, { board }))), nextCursor };
  }

  /** @throws {Problem} `post_not_found`. */
  async get(id: string): Promise<Signed> {
    const post = await this.posts
      .createQueryBuilder('post')
      .innerJoinAndSelect('post.board', 'board')
      .where('post.id = :id', { id })
      .getOne();
    const [signed] = post === null ? [] : await this.sign([post]);
    if (signed === undefined) throw new Problem('post_not_found');
    return signed;
  }

  /**
   * Puts a post on a board, and counts it there.
   * @throws {Problem} `board_not_found`.
   */
  async write(actor: Actor, slug: string, { title, body }: NewPost): Promise<Signed> {
    const { id: boardId } = await this.boards.get(slug);
    const id = uuidv7();
    await this.dataSource.transaction(async (db) => {
      const { affected } = await db.increment(Board, { id: boardId }, 'postCount', 1);
      if (affected === 0) throw new Problem('board_not_found', { reason: 'deleted a moment ago' });
      const excerpt = excerptOf(body);
      await db.insert(Post, { id, boardId, authorId: actor.accountId, title, body, excerpt });
    });
    return this.get(id);
  }

  /**
   * Changes the actor's post, or anyone's when the actor is an admin, if it is still at one of `versions`.
   * @throws {Problem} `post_not_found`, `forbidden`, `version_conflict`.
   */
  async change(
    actor: Actor,
    id: string,
    changes: PostChanges,
    versions?: readonly number[],
  ): Promise<Signed> {
    const { affected } = await this.posts.update(changeable(actor, id, versions), {
      ...changes,
      ...(changes.body === undefined ? {} : { excerpt: excerptOf(changes.body) }),
      version: () => 'version + 1',
      updatedAt: () => 'now()',
    });
    if (affected === 0) throw await this.refusal(actor, id);
    return this.get(id);
  }

  /**
   * Deletes a post on the same conditions as {@link change}.
   * @throws {Problem} `post_not_found`, `forbidden`, `version_conflict`.
   */
  async delete(actor: Actor, id: string, versions?: readonly number[]): Promise<void> {
    const deleted = await this.dataSource.transaction(async (db) => {
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

  /** Why a statement with {@link changeable} found nothing to change. */
  private async refusal(actor: Actor, id: string): Promise<Problem> {
    const post = await this.posts.findOne({ select: { id: true, authorId: true }, where: { id } });
    if (post === null) return new Problem('post_not_found');
    if (!isAdmin(actor) && post.authorId !== actor.accountId) return new Problem('forbidden');
    return new Problem('version_conflict');
  }

  /** Asks for all the authors of a page at once. */
  private async sign(posts: readonly Post[]): Promise<Signed[]> {
    const authors = await this.profiles.findMany(posts.map(({ authorId }) => authorId));
    return posts.map((post) => ({ post, author: authors.get(post.authorId) ?? null }));
  }
}

/** What a list shows: everything but the body. */
const LISTED = [
  'post.id',
  'post.boardId',
  'post.authorId',
  'post.title',
  'post.excerpt',
  'post.commentCount',
  'post.likeCount',
  'post.version',
  'post.createdAt',
  'post.updatedAt',
];

/** The condition that makes one statement both the check and the change: there is no moment between them. */
function changeable(
  actor: Actor,
  id: string,
  versions: readonly number[] | undefined,
): FindOptionsWhere<Post> {
  return {
    id,
    ...(isAdmin(actor) ? {} : { authorId: actor.accountId }),
    ...(versions === undefined ? {} : { version: In(versions) }),
  };
}

function isAdmin({ roles }: Actor): boolean {
  return roles.includes('admin');
}
