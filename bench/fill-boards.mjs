// Fills a migrated database with a large board and some small ones: posts, comments, likes and counters.
// Usage: DATABASE_URL=postgres://… node bench/fill-boards.mjs [--posts 1000000] [--comments 5000000] [--connections 3]
import { parseArgs } from 'node:util';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { excerptOf } from '../dist/src/boards/excerpt.js';
import { progressBar } from './progress-bar.mjs';
import { bodyOf, postOf, randomFrom } from './texts.mjs';

const { values } = parseArgs({
  options: {
    posts: { type: 'string', default: '1000000' },
    comments: { type: 'string', default: '5000000' },
    connections: { type: 'string', default: '3' },
  },
});
const POSTS = Number(values.posts);
const COMMENTS = Number(values.comments);
const AUTHORS = 2_000;
const CHUNK = 500;
const YEARS = 5;

const connectionString = process.env.DATABASE_URL;
const pool = new pg.Pool({
  connectionString,
  max: Number(values.connections),
  options: '-c synchronous_commit=off -c maintenance_work_mem=1GB',
});

const boards = [
  { id: uuidv7(), slug: 'large', title: 'A large board', share: 0.95 },
  ...Array.from({ length: 5 }, (_, i) => ({
    id: uuidv7(),
    slug: `small-${i + 1}`,
    title: 'A small board',
    share: 0.01,
  })),
];
const now = Date.now();
const begin = now - YEARS * 365 * 86_400_000;
const step = (now - begin) / POSTS;
const account = (number) => `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

await prepare();
// Creating a GIN index at the end is much faster than updating it row by row.
const indexes = await dropIndexes(`indexdef LIKE '%USING gin%'`);
const { commentsOf, likesOf } = reactions();
const bar = progressBar('posts', POSTS);
let next = 0;
await Promise.all(Array.from({ length: Number(values.connections) }, fillChunks));
bar.end();
for (const definition of indexes)
  await timed(definition.replace(/ USING.*/, ''), () => pool.query(definition));
await timed('counting the posts of each board', () =>
  pool.query(
    'UPDATE board.boards SET post_count = (SELECT count(*) FROM board.posts WHERE board_id = boards.id)',
  ),
);
await pool.query('ALTER TABLE board.posts ENABLE TRIGGER create_post_counters');
await timed('VACUUM ANALYZE', () => pool.query('VACUUM ANALYZE'));
await pool.end();

async function prepare() {
  // Counters are inserted with their final values.
  await pool.query('ALTER TABLE board.posts DISABLE TRIGGER create_post_counters');
  for (const { id, slug, title } of boards) {
    await pool.query(
      'INSERT INTO board.boards (id, slug, title, created_at) VALUES ($1, $2, $3, to_timestamp($4))',
      [id, slug, title, begin / 1000],
    );
  }
  await pool.query(
    `INSERT INTO profile.profiles (account_id, nickname) SELECT id, 'author ' || n
     FROM unnest($1::uuid[]) WITH ORDINALITY AS a (id, n)`,
    [Array.from({ length: AUTHORS }, (_, i) => account(i))],
  );
}

async function dropIndexes(which) {
  const { rows } = await pool.query(
    `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'board' AND ${which}`,
  );
  for (const { indexname } of rows) await pool.query(`DROP INDEX board.${indexname}`);
  return rows.map(({ indexdef }) => indexdef);
}

/** Returns the number of comments and likes of each post: most have few, some have many, one has a very long discussion. */
function reactions() {
  const random = randomFrom(3);
  const commentsOf = new Uint32Array(POSTS);
  const likesOf = new Uint32Array(POSTS);
  const long = Math.min(20_000, Math.floor(COMMENTS / 20));
  commentsOf[Math.floor(POSTS / 2)] += long;
  const some = () => (Math.floor(POSTS * random() ** 3) * 7_919 + 13) % POSTS;
  for (let i = long; i < COMMENTS; i++) commentsOf[some()]++;
  for (let i = 0; i < POSTS; i++) likesOf[some()]++;
  return { commentsOf, likesOf };
}

async function fillChunks() {
  const client = await pool.connect();
  try {
    while (next < POSTS) {
      const from = next;
      const to = Math.min(POSTS, from + CHUNK);
      next = to;
      await fillChunk(client, from, to);
      bar.add(to - from);
    }
  } finally {
    client.release();
  }
}

async function fillChunk(client, from, to) {
  const random = randomFrom(from + 1_000_000_007);
  const posts = [];
  const comments = [];
  const likes = [];
  for (let number = from; number < to; number++) {
    const at = Math.floor(begin + (number + random()) * step);
    const id = uuidv7({ msecs: at });
    const { title, body } = postOf(number, POSTS);
    const share = random();
    const board = boards[share < boards[0].share ? 0 : 1 + Math.floor(random() * (boards.length - 1))];
    const [commentCount, likeCount] = [commentsOf[number], likesOf[number]];
    posts.push([
      id,
      board.id,
      account(Math.floor(AUTHORS * random() ** 2)),
      title,
      body,
      excerptOf(body),
      new Date(at).toISOString(),
      commentCount,
      likeCount,
    ]);
    for (let i = 0; i < commentCount; i++) {
      const when = Math.floor(at + (now - at) * random() ** 4);
      comments.push([
        uuidv7({ msecs: when }),
        id,
        account(Math.floor(AUTHORS * random() ** 2)),
        bodyOf(random, 8),
        new Date(when).toISOString(),
      ]);
    }
    for (let i = 0; i < likeCount; i++) likes.push([id, account(i)]);
  }
  await client.query('BEGIN');
  await client.query(
    `WITH filled AS (
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
         $8::integer[], $9::integer[])
       AS f (id, board_id, author_id, title, body, excerpt, at, comment_count, like_count)
     ), written AS (
       INSERT INTO board.posts (id, board_id, author_id, title, body, excerpt, created_at, updated_at)
       SELECT id, board_id, author_id, title, body, excerpt, at, at FROM filled
     )
     INSERT INTO board.post_counters (post_id, board_id, created_at, comment_count, like_count)
     SELECT id, board_id, at, comment_count, like_count FROM filled`,
    columns(posts, 9),
  );
  for (let i = 0; i < comments.length; i += 10_000) {
    await client.query(
      `INSERT INTO board.comments (id, post_id, author_id, body, created_at, updated_at)
       SELECT id, post_id, author_id, body, at, at
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) AS f (id, post_id, author_id, body, at)`,
      columns(comments.slice(i, i + 10_000), 5),
    );
  }
  await client.query(
    'INSERT INTO board.likes (post_id, account_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])',
    columns(likes, 2),
  );
  await client.query('COMMIT');
}

function columns(rows, width) {
  return Array.from({ length: width }, (_, i) => rows.map((row) => row[i]));
}

async function timed(what, work) {
  const start = performance.now();
  await work();
  console.log(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
