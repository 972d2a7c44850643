import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../config/config.js';
import { Profiles } from '../users/profiles.js';
import { Board } from './board.entity.js';
import { excerptOf } from './excerpt.js';
import { Post } from './post.entity.js';
import { FIRST_BOARDS } from './seed-posts.js';

/** Who wrote the first posts: a profile without an account, so nobody can log in as them. */
const GATEKEEPER = '019340e2-5c00-7000-8000-00000000da00';

/**
 * Puts a few posts to read and play with into the embedded database of someone who tries this out; never into a
 * database that is shared, nor in production. It happens once: what was deleted stays deleted.
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
    // First, so that no kill in between leaves posts without their author; nobody sees a profile without posts.
    await this.profiles.createIfAbsent(GATEKEEPER, { nickname: '대문지기', avatarUrl: null });
    await this.dataSource.transaction(async (db) => {
      const [first] = await db.query<unknown[]>(
        "INSERT INTO board.seeds (name) VALUES ('first-posts') ON CONFLICT DO NOTHING RETURNING name",
      );
      if (first !== undefined && !(await db.exists(Board))) await seedBoards(db);
    });
  }
}

/** Ids grow from one to the next, which is the order in which they are shown. */
async function seedBoards(db: EntityManager): Promise<void> {
  for (const { slug, title, description, posts } of FIRST_BOARDS) {
    const boardId = uuidv7();
    await db.insert(Board, { id: boardId, slug, title, description, postCount: posts.length });
    await db.insert(
      Post,
      posts.map(({ title, body }) => ({
        id: uuidv7(),
        boardId,
        authorId: GATEKEEPER,
        title,
        body,
        excerpt: excerptOf(body),
      })),
    );
  }
}
