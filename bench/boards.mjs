// Cost of large boards: compares deep pages, searches and writes with a first page, a small board and an empty database, over
// HTTP, in the same rounds. Saves query plans in plans/.
// Usage: npm run bench:boards -- [--posts 1000000] [--comments 5000000] [--rounds 7]
//   DATABASE_URL=… uses a database that fill-boards.mjs has filled, and saves plans if its server logs them (plans.mjs).
import { execFileSync, fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import pg from 'pg';
import { cursorOf } from '../dist/src/http/pagination.js';
import { startDatabase } from './database.mjs';
import { ask, inRounds } from './measure.mjs';
import { beginExplaining, canExplain, endExplaining, LOGGED, savePlans } from './plans.mjs';
import { bodyOf, PLANTED, randomFrom } from './texts.mjs';

const { values: options } = parseArgs({
  options: {
    posts: { type: 'string', default: '1000000' },
    comments: { type: 'string', default: '5000000' },
    rounds: { type: 'string', default: '7' },
  },
});
const PORTS = { database: 3803, full: 3807, empty: 3808, explained: 3809 };
const LIMIT = 20;
const LIST = '/boards/large/posts';

const filled = process.env.DATABASE_URL;
const database = filled
  ? { url: filled, stop: async () => {} }
  : await startDatabase(PORTS.database, { shared_buffers: '2GB', max_wal_size: '8GB', ...LOGGED });
if (database.inProcess) throw new Error('needs PostgreSQL: apt-get install postgresql');
const children = [];
const db = new pg.Client({ connectionString: database.url });
try {
  await db.connect();
  await db.query('DROP DATABASE IF EXISTS empty');
  await db.query('CREATE DATABASE empty');
  if (!filled) await fill();
  const emptyUrl = new URL(database.url);
  emptyUrl.pathname = '/empty';
  const full = await start(PORTS.full, database.url);
  const empty = await start(PORTS.empty, emptyUrl.href);
  await prepareEmpty(emptyUrl.href);

  const requests = await readingRequests();
  report(
    'reading',
    await inRounds(Number(options.rounds), [...requests, ...offsets(await positionAfter(depth()))]),
  );
  report('writing', await inRounds(Number(options.rounds), writing(full, empty)));
  await likes(full);
  await sizes();
  // Plans of a small board are not representative.
  if (Number(options.posts) >= 1_000_000 && (await canExplain(db))) await explain(requests);
} finally {
  for (const child of children) child.kill();
  await db.end();
  await database.stop();
}

async function fill() {
  const migrating = await start(PORTS.full, database.url);
  migrating.child.kill();
  const file = fileURLToPath(new URL('fill-boards.mjs', import.meta.url));
  const sizes = ['--posts', options.posts, '--comments', options.comments];
  execFileSync(process.execPath, [file, ...sizes], {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL: database.url },
  });
}

/** Creates the only board of the empty database. */
async function prepareEmpty(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `INSERT INTO board.boards (id, slug, title) VALUES (gen_random_uuid(), 'large', 'A board')`,
  );
  await client.end();
}

/** Returns the number of rows before page 10,000, or before a late page of a smaller board. */
function depth() {
  return Math.min(9_999 * LIMIT, Math.floor(Number(options.posts) * 0.9));
}

/** Returns the row after which a page starts, with `rows` rows before it. */
async function positionAfter(rows) {
  const { rows: found } = await db.query(
    `SELECT p.board_id, p.created_at, p.id FROM board.posts p JOIN board.boards b ON b.id = p.board_id
     WHERE b.slug = 'large' ORDER BY p.created_at DESC, p.id DESC OFFSET $1 LIMIT 1`,
    [rows - 1],
  );
  return found[0];
}

async function readingRequests() {
  const get = (name, path, against, plan) => ({
    name,
    path,
    against,
    plan,
    run: () => ask(PORTS.full, path),
  });
  const search = (name, q, { board = 'large', plan, after = '' } = {}) =>
    get(
      `search: ${name}`,
      `/boards/${board}/posts?q=${encodeURIComponent(q)}${after}`,
      'latest, page 1',
      plan,
    );
  const deep = await positionAfter(depth());
  const { boardId, popular, snapshot } = await popularPosition();
  const thread = await longThread();
  const deepLatest = `${LIST}?cursor=${cursorOf(`latest ${deep.board_id}`, { at: deep.created_at.getTime(), id: deep.id })}`;
  const deepPopular = `${LIST}?sort=popular&cursor=${cursorOf(`popular ${boardId}`, { ...popular, snapshot })}`;
  const { nextCursor } = JSON.parse((await ask(PORTS.full, `${LIST}?q=${encodeURIComponent('사람')}`)).body);
  return [
    get('latest, page 1', LIST, 'latest, page 1', 'latest-first'),
    get('latest, page 10,000', deepLatest, 'latest, page 1', 'latest-deep'),
    get('popular, page 1', `${LIST}?sort=popular`, 'latest, page 1', 'popular-first'),
    get('popular, page 10,000', deepPopular, 'popular, page 1', 'popular-deep'),
    get('comments, page 1', `/posts/${thread.id}/comments`, 'comments, page 1', 'comments-first'),
    get(
      'comments, deep',
      `/posts/${thread.id}/comments?cursor=${cursorOf(`comments of ${thread.id}`, thread.position)}`,
      'comments, page 1',
      'comments-deep',
    ),
    get('a post by its id', `/posts/${deep.id}`, 'latest, page 1', 'post'),
    search('rare, Korean', PLANTED.rare.ko, { plan: 'search-rare' }),
    search('rare, English', PLANTED.rare.en),
    search('common, Korean', '사람', { plan: 'search-common' }),
    search('common, English', 'the'),
    search('common, page 2', '사람', { after: `&cursor=${nextCursor}` }),
    search('two syllables inside longer words', '시장', { plan: 'search-inside' }),
    search('in one post of 100, English', 'bicycleing', { plan: 'search-uncommon' }),
    search('in one post of 2,000, Korean', '람시장'),
    search('three common words', '시장 사람 저녁', { plan: 'search-words' }),
    search('a common and a rare word', `사람 ${PLANTED.rare.ko}`, { plan: 'search-common-and-rare' }),
    search('common in old posts only, Korean', PLANTED.old.ko, { plan: 'search-old' }),
    search('common in old posts only, English', PLANTED.old.en),
    search('one syllable', '삐'),
    search('one letter', 'k', { plan: 'search-letter' }),
    search('nowhere, Korean', PLANTED.nowhere.ko, { plan: 'search-nowhere' }),
    search('nowhere, English', PLANTED.nowhere.en),
    search('common, on a small board', '사람', { board: 'small-1' }),
    search('rare, on a small board', PLANTED.rare.ko, { board: 'small-1' }),
  ];
}

async function popularPosition() {
  const { rows } = await db.query(
    `SELECT t.board_id, t.post_id AS id, t.popularity::float8 AS popularity, pg_current_snapshot()::text AS snapshot
     FROM board.post_counters t JOIN board.boards b ON b.id = t.board_id
     WHERE b.slug = 'large' ORDER BY t.popularity DESC, t.post_id DESC OFFSET $1 LIMIT 1`,
    [depth() - 1],
  );
  const [{ board_id: boardId, id, popularity, snapshot }] = rows;
  return { boardId, popular: { popularity, id }, snapshot };
}

/** Returns the post with the most comments, and the position before its last page but one. */
async function longThread() {
  const { rows } = await db.query(
    `WITH long AS (SELECT post_id FROM board.post_counters ORDER BY comment_count DESC LIMIT 1)
     SELECT c.post_id, c.created_at, c.id FROM board.comments c JOIN long USING (post_id)
     ORDER BY c.created_at DESC, c.id DESC OFFSET $1 LIMIT 1`,
    [2 * LIMIT],
  );
  const [{ post_id: id, created_at: at, id: last }] = rows;
  return { id, position: { at: at.getTime(), id: last } };
}

/** Queries for the same rows with OFFSET, sent to the database directly: the cost of lists without cursors. */
function offsets({ board_id: boardId }) {
  const page = `SELECT p.id, p.author_id, p.title, p.excerpt, p.created_at, t.comment_count, t.like_count
    FROM board.posts p JOIN board.post_counters t ON t.post_id = p.id WHERE p.board_id = $1
    ORDER BY p.created_at DESC, p.id DESC OFFSET $2 LIMIT $3`;
  const target = (name, rows) => ({
    name,
    against: 'SQL with OFFSET, page 1',
    run: () => db.query(page, [boardId, rows, LIMIT + 1]),
  });
  return [target('SQL with OFFSET, page 1', 0), target('SQL with OFFSET, page 10,000', depth())];
}

function writing(full, empty) {
  const random = randomFrom(99);
  const write = (port, token) => () =>
    ask(port, LIST, { method: 'POST', token, body: { title: '새 글 A new post', body: bodyOf(random, 25) } });
  return [
    { name: 'a new post, empty database', run: write(PORTS.empty, empty.token), repeat: { times: 50 } },
    {
      name: 'a new post, full database',
      run: write(PORTS.full, full.token),
      against: 'a new post, empty database',
      repeat: { times: 50 },
    },
  ];
}

async function likes({ tokens }) {
  const { rows } = await db.query('SELECT id FROM board.posts TABLESAMPLE SYSTEM (5) LIMIT 20000');
  const paths = rows.map(({ id }) => `/posts/${id}/like`);
  const sendLikes = (connections, pathOf, tokenOf) => {
    let next = 0;
    return autocannon({
      url: `http://127.0.0.1:${PORTS.full}`,
      connections,
      duration: 5,
      requests: [
        {
          method: 'PUT',
          setupRequest: (request) => {
            const n = next++;
            const headers = { authorization: `Bearer ${tokenOf(n)}` };
            return { ...request, path: pathOf(n), headers };
          },
        },
      ],
    });
  };
  const tokenOf = (n) => tokens[n % tokens.length];
  const random = await sendLikes(32, (n) => paths[n % paths.length], tokenOf);
  console.log(`\nlikes of posts at random, 32 at once: ${Math.round(random.requests.average)}/s`);
  // Each like is of another account.
  const one = await sendLikes(32, (n) => paths[Math.floor(n / tokens.length)], tokenOf);
  console.log(`likes of one post, 32 at once: ${Math.round(one.requests.average)}/s`);
  if (random.non2xx + one.non2xx > 0) throw new Error(`${random.non2xx + one.non2xx} likes refused`);

  // Pages of the popular list during likes.
  const { boardId, popular, snapshot } = await popularPosition();
  const deep = `${LIST}?sort=popular&cursor=${cursorOf(`popular ${boardId}`, { ...popular, snapshot })}`;
  const liking = sendLikes(2, (n) => paths.at(-1 - (n % paths.length)), tokenOf);
  const targets = [
    { name: 'latest, page 1', against: 'latest, page 1', run: () => ask(PORTS.full, LIST) },
    {
      name: 'popular, page 1',
      against: 'latest, page 1',
      run: () => ask(PORTS.full, `${LIST}?sort=popular`),
    },
    { name: 'popular, page 10,000', against: 'latest, page 1', run: () => ask(PORTS.full, deep) },
  ];
  const measured = await inRounds(5, targets);
  await liking;
  report('while two connections like posts continuously', measured);
  report('after that', await inRounds(3, targets));
}

async function sizes() {
  const { rows } = await db.query(
    `SELECT relname, pg_relation_size(oid) AS bytes FROM pg_class c
     WHERE relnamespace = 'board'::regnamespace AND relkind IN ('r', 'i')
     UNION ALL
     SELECT t.relname || ' (toast)', pg_relation_size(t.reltoastrelid) FROM pg_class t
     WHERE relnamespace = 'board'::regnamespace AND relkind = 'r' AND reltoastrelid <> 0
     ORDER BY bytes DESC LIMIT 16`,
  );
  console.log('\nsizes, MB');
  for (const { relname, bytes } of rows)
    console.log(`  ${relname.padEnd(28)} ${(bytes / 1e6).toFixed(0).padStart(7)}`);
}

async function explain(requests) {
  mkdirSync(new URL('plans/', import.meta.url), { recursive: true });
  await beginExplaining(db);
  const explained = await start(PORTS.explained, database.url);
  for (const { name, path, plan } of requests) {
    if (plan === undefined) continue;
    await savePlans(db, plan, `GET ${decodeURIComponent(path)} (${name})`, () => ask(PORTS.explained, path));
  }
  const { token, tokens } = explained;
  const body = { title: '새 글 A new post', body: bodyOf(randomFrom(5), 25) };
  await savePlans(db, 'write-post', `POST ${LIST}`, () =>
    ask(PORTS.explained, LIST, { method: 'POST', token, body }),
  );
  const { id } = await positionAfter(1);
  let other = 0;
  await savePlans(db, 'like', 'PUT /posts/…/like', () =>
    ask(PORTS.explained, `/posts/${id}/like`, { method: 'PUT', token: tokens[other++] }),
  );
  await endExplaining(db);
}

function report(title, results) {
  console.log(`\n${title} (load of the machine: ${loadavg()[0].toFixed(1)})`);
  for (const { name, ms, ratio, against } of results) {
    const compared = ratio === undefined ? '' : `   ${ratio.toFixed(2)} × ${against}`;
    console.log(`  ${name.padEnd(44)} ${ms.toFixed(2).padStart(9)} ms${compared}`);
  }
}

function start(port, url) {
  const child = fork(fileURLToPath(new URL('daemun-server.mjs', import.meta.url)), [String(port)], {
    env: {
      ...process.env,
      DATABASE_URL: url,
      OTHERS: '2000',
      LOG_LEVEL: 'info',
      RATE_LIMIT_FACTOR: '1000',
      AUTH_SECRET: 'a-secret-for-the-benchmark-only-0123456789',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve({ child, ...message }));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}
