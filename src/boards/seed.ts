import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../config/config.js';
import { Profiles } from '../users/profiles.js';
import { Board } from './board.entity.js';
import { excerptOf } from './excerpt.js';
import { Post } from './post.entity.js';
import { SEED_BOARDS } from './seed-posts.js';

/** Author of the seeded posts: a profile without an account, so that no login is possible. */
const GATEKEEPER_ID = '019340e2-5c00-7000-8000-00000000da00';

/**
 * Adds example boards and posts to a new embedded database, once: deleted posts do not return. Never in production or on a
 * server's database.
 */
@Injectable()
export class Seed implements OnApplicationBootstrap {
  constructor(
    private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly profiles: Profiles,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (this.config.production || this.config.databaseUrl !== undefined) return;
    // First, so that a kill between the two steps leaves no posts without an author.
    await this.profiles.createIfAbsent(GATEKEEPER_ID, { nickname: '대문지기', avatarUrl: null });
    await this.dataSource.transaction(async (db) => {
      const [first] = await db.query<unknown[]>(
        "INSERT INTO board.seeds (name) VALUES ('first-posts') ON CONFLICT DO NOTHING RETURNING name",
      );
      if (first !== undefined && !(await db.exists(Board))) await seedBoards(db);
    });
  }
}

/** Inserts boards and posts in order: their ids (UUIDv7) grow, and decide between rows with the same `created_at`. */
async function seedBoards(db: EntityManager): Promise<void> {
  for (const { slug, title, description, posts } of SEED_BOARDS) {
    const boardId = uuidv7();
    await db.insert(Board, { id: boardId, slug, title, description, postCount: posts.length });
    await db.insert(
      Post,
      posts.map(({ title, body }) => ({
        id: uuidv7(),
        boardId,
        authorId: GATEKEEPER_ID,
        title,
        body,
        excerpt: excerptOf(body),
      })),
    );
  }
}
