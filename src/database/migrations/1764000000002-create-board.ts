import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createSchema } from '../schema.js';

/** BoardService's schema. Times have milliseconds, as JavaScript has, so that a cursor names the very row it was made from. */
export class CreateBoard1764000000002 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createSchema(db, 'board');
    await db.query(`
      CREATE TABLE board.boards (
        id uuid PRIMARY KEY,
        slug text NOT NULL UNIQUE,
        title text NOT NULL,
        description text NOT NULL DEFAULT '',
        post_count integer NOT NULL DEFAULT 0 CHECK (post_count >= 0),
        created_at timestamptz(3) NOT NULL DEFAULT now()
      )`);
    await db.query('CREATE INDEX boards_oldest ON board.boards (created_at, id)');
    // author_id has no foreign key: accounts may live in another database.
    await db.query(`
      CREATE TABLE board.posts (
        id uuid PRIMARY KEY,
        board_id uuid NOT NULL REFERENCES board.boards,
        author_id uuid NOT NULL,
        title text NOT NULL,
        body text NOT NULL,
        excerpt text NOT NULL,
        comment_count integer NOT NULL DEFAULT 0 CHECK (comment_count >= 0),
        like_count integer NOT NULL DEFAULT 0 CHECK (like_count >= 0),
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        updated_at timestamptz(3) NOT NULL DEFAULT now()
      )`);
    await db.query('CREATE INDEX posts_latest ON board.posts (board_id, created_at DESC, id DESC)');
    await db.query(`
      CREATE TABLE board.seeds (
        name text PRIMARY KEY,
        sown_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA board CASCADE');
  }
}
