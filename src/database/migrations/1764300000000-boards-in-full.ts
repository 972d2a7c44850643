import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Comments, likes, search, popularity and repeated calls. */
export class BoardsInFull1764300000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await addTallies(db);
    await addCommentsAndLikes(db);
    await addSearch(db);
    await addIdempotency(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE board.idempotency_keys');
    await db.query('ALTER TABLE board.posts DROP COLUMN words, DROP COLUMN title_words');
    await db.query(
      'DROP FUNCTION board.searched_in, board.searched, board.words, board.period, board.pieces',
    );
    await db.query('DROP TABLE board.likes, board.comments, board.reactions');
    await db.query(
      `ALTER TABLE board.posts
        ADD comment_count integer NOT NULL DEFAULT 0 CHECK (comment_count >= 0),
        ADD like_count integer NOT NULL DEFAULT 0 CHECK (like_count >= 0)`,
    );
    await db.query('DROP TRIGGER begin_tally ON board.posts');
    await db.query('DROP FUNCTION board.begin_tally');
    await db.query('DROP TABLE board.tallies');
    await db.query('DROP FUNCTION board.popularity');
  }
}

/**
 * Counters change all the time and texts hardly ever, so they live apart: a like rewrites a few numbers, and leaves the
 * text and its search index alone.
 */
async function addTallies(db: QueryRunner): Promise<void> {
  // A post ranks as if it had been written a day later for each doubling of its likes and comments: in seconds since 1970.
  await db.query(`
    CREATE FUNCTION board.popularity(reactions integer, created_at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (extract(epoch FROM created_at - timestamptz '1970-01-01 00:00:00+00')
      + 86400 * ln(1 + reactions::float8) / ln(2::float8))::bigint`);
  await db.query(`
    CREATE TABLE board.tallies (
      post_id uuid PRIMARY KEY REFERENCES board.posts ON DELETE CASCADE,
      board_id uuid NOT NULL,
      created_at timestamptz(3) NOT NULL,
      like_count integer NOT NULL DEFAULT 0 CHECK (like_count >= 0),
      comment_count integer NOT NULL DEFAULT 0 CHECK (comment_count >= 0),
      popularity bigint NOT NULL
        GENERATED ALWAYS AS (board.popularity(like_count + comment_count, created_at)) STORED
    )`);
  await db.query('CREATE INDEX tallies_popular ON board.tallies (board_id, popularity DESC, post_id DESC)');
  await db.query(
    `INSERT INTO board.tallies (post_id, board_id, created_at, like_count, comment_count)
     SELECT id, board_id, created_at, like_count, comment_count FROM board.posts`,
  );
  await db.query('ALTER TABLE board.posts DROP COLUMN comment_count, DROP COLUMN like_count');
  // No post is without one, whoever writes it.
  await db.query(`
    CREATE FUNCTION board.begin_tally() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO board.tallies (post_id, board_id, created_at) VALUES (NEW.id, NEW.board_id, NEW.created_at);
      RETURN NULL;
    END $$`);
  await db.query(
    'CREATE TRIGGER begin_tally AFTER INSERT ON board.posts FOR EACH ROW EXECUTE FUNCTION board.begin_tally()',
  );
  // What changed a tally lately, so that who pages through the popular posts can be shown them as they were (post-lists.ts).
  await db.query(`
    CREATE TABLE board.reactions (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      board_id uuid NOT NULL,
      post_id uuid NOT NULL REFERENCES board.posts ON DELETE CASCADE,
      change integer NOT NULL,
      made_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
      made_at timestamptz NOT NULL DEFAULT now()
    )`);
  await db.query('CREATE INDEX reactions_lately ON board.reactions (board_id, made_by)');
  await db.query('CREATE INDEX reactions_of_post ON board.reactions (post_id)');
}

async function addCommentsAndLikes(db: QueryRunner): Promise<void> {
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

/**
 * Words to be found by. Korean (and Chinese and Japanese) has no spaces around what people search for, so a run of its
 * characters is cut into all pairs of neighbours, and its last character; other words stay whole, and are found by how they
 * begin. Nothing here needs an extension. Whatever is neither a letter nor a digit separates.
 */
async function addSearch(db: QueryRunner): Promise<void> {
  const separators = String.raw`[\u0001-/:-@[-\u0060{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u1680\u2000-\u206f\u2190-\u2bff\u3000-\u3004\u3008-\u3020\u3030\ufe00-\ufe0f\ufeff\U0001f000-\U0001faff]+`;
  const unspaced = String.raw`[\u1100-\u11ff\u3005-\u3007\u3041-\u318f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff]+`;
  await db.query(`
    CREATE FUNCTION board.pieces(written text) RETURNS TABLE (piece text, unspaced boolean)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT piece, piece ~ '^${unspaced}' FROM string_to_table(regexp_replace(regexp_replace(
        lower(normalize(written, NFKC)), '${separators}', ' ', 'g'), '(${unspaced})', ' \\1 ', 'g'), ' ') AS piece
      WHERE piece <> ''
    $$`);
  // When something was written, as a character (of those for private use): one for each 30 days since 1970.
  await db.query(`
    CREATE FUNCTION board.period(created_at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 57344 + least(6399, greatest(0, floor(extract(
      epoch FROM created_at - timestamptz '1970-01-01 00:00:00+00') / 2592000)))::integer`);
  // Each word begins with its period, so that the index can be asked for the posts of one period after the other, the newest
  // first, until there are enough. The board is one of its posts' words, so that a search looks through no other's.
  await db.query(`
    CREATE FUNCTION board.words(board_id uuid, created_at timestamptz, written text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT array_to_tsvector(array_agg(chr(board.period(created_at)) || word)) FROM (
        SELECT '#' || board_id AS word
        UNION ALL
        SELECT left(piece, 40) FROM board.pieces(written) WHERE NOT unspaced
        UNION ALL
        SELECT sign || coalesce(lead(sign) OVER (PARTITION BY nth ORDER BY at), '')
        FROM (SELECT piece, row_number() OVER () AS nth FROM board.pieces(written) WHERE unspaced) AS runs,
          string_to_table(piece, NULL) WITH ORDINALITY AS signs (sign, at)
      ) AS words
    $$`);
  // A tsquery but for the period, in whose place there is a separator. No piece has a quote or a backslash in it: they
  // separate, too. Null where there is nothing to search for.
  await db.query(`
    CREATE FUNCTION board.searched(board_id uuid, written text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT string_agg(DISTINCT term, ' & ') || format(' & ''|#%s''', board_id) FROM (
        SELECT format('''|%s'':*', left(piece, 40)) AS term
        FROM board.pieces(written) WHERE NOT unspaced OR length(piece) = 1
        UNION ALL
        SELECT format('''|%s''', substr(piece, n, 2))
        FROM board.pieces(written), generate_series(1, length(piece) - 1) AS n WHERE unspaced
      ) AS terms
    $$`);
  await db.query(`
    CREATE FUNCTION board.searched_in(period integer, searched text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(searched, '|', chr(period))::tsquery`);
  await db.query(`
    ALTER TABLE board.posts
      ADD title_words tsvector NOT NULL GENERATED ALWAYS AS (board.words(board_id, created_at, title)) STORED,
      ADD words tsvector NOT NULL GENERATED ALWAYS AS (board.words(board_id, created_at, title || ' ' || body)) STORED`);
  // A search asks for many periods, and each time would read through what is put off; and nobody's post should wait for what
  // others put off.
  await db.query(
    'CREATE INDEX posts_by_title_word ON board.posts USING gin (title_words) WITH (fastupdate = off)',
  );
  await db.query('CREATE INDEX posts_by_word ON board.posts USING gin (words) WITH (fastupdate = off)');
}

async function addIdempotency(db: QueryRunner): Promise<void> {
  await db.query(`
    CREATE TABLE board.idempotency_keys (
      account_id uuid,
      key text,
      request bytea NOT NULL,
      answer json,
      made_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (account_id, key)
    )`);
  await db.query('CREATE INDEX idempotency_keys_oldest ON board.idempotency_keys (made_at)');
}
