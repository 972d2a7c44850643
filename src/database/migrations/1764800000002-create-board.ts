import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createSchema } from '../schema.js';

/** Schema of BoardService. Timestamps have milliseconds, as in JavaScript, so that a cursor matches exactly one row. */
export class CreateBoard1764800000002 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createSchema(db, 'board');
    await createBoardsAndPosts(db);
    await createCounters(db);
    await createCommentsAndLikes(db);
    await createSearch(db);
    await createIdempotencyKeys(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA board CASCADE');
  }
}

async function createBoardsAndPosts(db: QueryRunner): Promise<void> {
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
  // author_id has no foreign key, because accounts may be in another database.
  await db.query(`
    CREATE TABLE board.posts (
      id uuid PRIMARY KEY,
      board_id uuid NOT NULL REFERENCES board.boards,
      author_id uuid NOT NULL,
      title text NOT NULL,
      body text NOT NULL,
      excerpt text NOT NULL,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`);
  await db.query('CREATE INDEX posts_latest ON board.posts (board_id, created_at DESC, id DESC)');
  await db.query(`
    CREATE TABLE board.seeds (
      name text PRIMARY KEY,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
}

/** Counters have their own table, so that a like does not rewrite the post's row and its search index. */
async function createCounters(db: QueryRunner): Promise<void> {
  // Seconds since 1970: the time of creation, plus one day for each doubling of likes and comments.
  await db.query(`
    CREATE FUNCTION board.popularity(reactions integer, created_at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (extract(epoch FROM created_at - timestamptz '1970-01-01 00:00:00+00')
      + 86400 * ln(1 + reactions::float8) / ln(2::float8))::bigint`);
  await db.query(`
    CREATE TABLE board.post_counters (
      post_id uuid PRIMARY KEY REFERENCES board.posts ON DELETE CASCADE,
      board_id uuid NOT NULL,
      created_at timestamptz(3) NOT NULL,
      like_count integer NOT NULL DEFAULT 0 CHECK (like_count >= 0),
      comment_count integer NOT NULL DEFAULT 0 CHECK (comment_count >= 0),
      popularity bigint NOT NULL
        GENERATED ALWAYS AS (board.popularity(like_count + comment_count, created_at)) STORED
    )`);
  await db.query(
    'CREATE INDEX post_counters_popular ON board.post_counters (board_id, popularity DESC, post_id DESC)',
  );
  // A trigger, so that every inserted post has counters.
  await db.query(`
    CREATE FUNCTION board.create_post_counters() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO board.post_counters (post_id, board_id, created_at) VALUES (NEW.id, NEW.board_id, NEW.created_at);
      RETURN NULL;
    END $$`);
  await db.query(
    'CREATE TRIGGER create_post_counters AFTER INSERT ON board.posts FOR EACH ROW EXECUTE FUNCTION board.create_post_counters()',
  );
  // Recent changes of counters: later pages of the popular list show the state of the first page (post-lists.ts).
  await db.query(`
    CREATE TABLE board.counter_changes (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      board_id uuid NOT NULL,
      post_id uuid NOT NULL REFERENCES board.posts ON DELETE CASCADE,
      change integer NOT NULL,
      transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
      created_at timestamptz NOT NULL DEFAULT now()
    )`);
  await db.query('CREATE INDEX counter_changes_recent ON board.counter_changes (board_id, transaction_id)');
  await db.query('CREATE INDEX counter_changes_post ON board.counter_changes (post_id)');
}

async function createCommentsAndLikes(db: QueryRunner): Promise<void> {
  await db.query(`
    CREATE TABLE board.comments (
      id uuid PRIMARY KEY,
      post_id uuid NOT NULL REFERENCES board.posts ON DELETE CASCADE,
      author_id uuid NOT NULL,
      body text NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`);
  await db.query('CREATE INDEX comments_oldest ON board.comments (post_id, created_at, id)');
  await db.query(`
    CREATE TABLE board.likes (
      post_id uuid REFERENCES board.posts ON DELETE CASCADE,
      account_id uuid,
      PRIMARY KEY (post_id, account_id)
    )`);
}

/** Collations with lower case beyond ASCII, in order of preference. */
const COLLATIONS = ['und-x-icu', 'pg_c_utf8', 'C.utf8', 'C.UTF-8', 'en_US.utf8'];

/** Returns a `COLLATE` clause if the locale of the database (`C`) has no lower case beyond ASCII; otherwise an empty string. */
async function lowerCaseCollation(db: QueryRunner): Promise<string> {
  const [collation] = (await db.query(
    `SELECT collname AS name FROM pg_catalog.pg_collation
     WHERE lower('É') <> 'é' AND collname = ANY($1) AND collnamespace = 'pg_catalog'::regnamespace
       AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
     ORDER BY array_position($1, collname::text) LIMIT 1`,
    [COLLATIONS],
  )) as { name: string }[];
  return collation === undefined ? '' : ` COLLATE "${collation.name}"`;
}

/**
 * Full-text search without extensions. Korean, Chinese and Japanese have no spaces around search terms: a run of their
 * characters becomes all pairs of neighbours and its last character. Other words stay whole and match by prefix. Characters
 * that are neither letters nor digits separate words.
 */
async function createSearch(db: QueryRunner): Promise<void> {
  const separators = String.raw`[\u0001-/:-@[-\u0060{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u1680\u2000-\u206f\u2190-\u2bff\u3000-\u3004\u3008-\u3020\u3030\ufe00-\ufe0f\ufeff\U0001f000-\U0001faff]+`;
  const unspaced = String.raw`[\u1100-\u11ff\u3005-\u3007\u3041-\u318f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff]+`;
  const normalized = `lower(normalize(written, NFKC)${await lowerCaseCollation(db)})`;
  await db.query(`
    CREATE FUNCTION board.search_tokens(written text) RETURNS TABLE (token text, unspaced boolean)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT token, token ~ '^${unspaced}' FROM string_to_table(regexp_replace(regexp_replace(
        ${normalized}, '${separators}', ' ', 'g'), '(${unspaced})', ' \\1 ', 'g'), ' ') AS token
      WHERE token <> ''
    $$`);
  // Period of 30 days since 1970, encoded as a private-use character.
  await db.query(`
    CREATE FUNCTION board.search_period(created_at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 57344 + least(6399, greatest(0, floor(extract(
      epoch FROM created_at - timestamptz '1970-01-01 00:00:00+00') / 2592000)))::integer`);
  // Each word is prefixed with the period of its post, so that a search can read the newest period first and stop when it has
  // enough posts. The board id is a word of each post, so that a search reads one board only. Without `jit = off`
  // PostgreSQL compiles the function at each insert behind a pooler (60 ms), where the setting of the session is missing.
  await db.query(`
    CREATE FUNCTION board.search_vector(board_id uuid, created_at timestamptz, written text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET jit = off AS $$
      SELECT array_to_tsvector(array_agg(chr(board.search_period(created_at)) || word)) FROM (
        SELECT '#' || board_id AS word
        UNION ALL
        SELECT left(token, 40) FROM board.search_tokens(written) WHERE NOT unspaced
        UNION ALL
        SELECT sign || coalesce(lead(sign) OVER (PARTITION BY nth ORDER BY at), '')
        FROM (SELECT token, row_number() OVER () AS nth FROM board.search_tokens(written) WHERE unspaced) AS runs,
          string_to_table(token, NULL) WITH ORDINALITY AS signs (sign, at)
      ) AS words
    $$`);
  // A tsquery with a separator in the place of the period, of at most 12 words and 40 pairs of characters; null without a
  // term. One character may become 18 by NFKC: the text is cut before and after. No token has a quote or a backslash.
  await db.query(`
    CREATE FUNCTION board.search_terms(board_id uuid, written text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      WITH tokens AS MATERIALIZED (
        SELECT token, unspaced, row_number() OVER () AS nth
        FROM board.search_tokens(left(normalize(left(written, 400), NFKC), 400))
      ), terms AS (
        SELECT format('''|%s'':*', left(token, 40)) AS term, 12 AS most, nth, 0 AS at
        FROM tokens WHERE NOT unspaced OR length(token) = 1
        UNION ALL
        SELECT format('''|%s''', substr(token, n, 2)), 40, nth, n
        FROM tokens, generate_series(1, length(token) - 1) AS n WHERE unspaced
      ), ranked AS (
        SELECT term, most, row_number() OVER (PARTITION BY most ORDER BY min(ARRAY[nth, at])) AS rank
        FROM terms GROUP BY term, most
      )
      SELECT string_agg(term, ' & ') || format(' & ''|#%s''', board_id) FROM ranked WHERE rank <= most
    $$`);
  await db.query(`
    CREATE FUNCTION board.search_query(period integer, terms text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(terms, '|', chr(period))::tsquery`);
  await db.query(`
    ALTER TABLE board.posts
      ADD title_vector tsvector NOT NULL GENERATED ALWAYS AS (board.search_vector(board_id, created_at, title)) STORED,
      ADD text_vector tsvector NOT NULL
        GENERATED ALWAYS AS (board.search_vector(board_id, created_at, title || ' ' || body)) STORED`);
  // No fastupdate: a search of many periods would read the pending list each time, and an insert would wait for its merge.
  await db.query(
    'CREATE INDEX posts_title_search ON board.posts USING gin (title_vector) WITH (fastupdate = off)',
  );
  await db.query(
    'CREATE INDEX posts_text_search ON board.posts USING gin (text_vector) WITH (fastupdate = off)',
  );
}

async function createIdempotencyKeys(db: QueryRunner): Promise<void> {
  await db.query(`
    CREATE TABLE board.idempotency_keys (
      account_id uuid,
      key text,
      request bytea NOT NULL,
      response json,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (account_id, key)
    )`);
  await db.query('CREATE INDEX idempotency_keys_oldest ON board.idempotency_keys (created_at)');
}
