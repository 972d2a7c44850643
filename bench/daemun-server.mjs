// The built server with an additional route without database access, and an account with an access token.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Controller, Get, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { createDaemun } from '../dist/src/app.js';
import { AccessTokens } from '../dist/src/auth/sessions/access-tokens.js';
import { Sessions } from '../dist/src/auth/sessions/sessions.js';
import { PROVIDERS } from '../dist/src/auth/social/providers.js';
import { loadConfig } from '../dist/src/config/config.js';
import { createLogger } from '../dist/src/logging/logging.js';
import { Profiles } from '../dist/src/users/profiles.js';

class HelloController {
  hello() {
    return { hello: 'world' };
  }
}
Controller('bench')(HelloController);
Get('hello')(
  HelloController.prototype,
  'hello',
  Object.getOwnPropertyDescriptor(HelloController.prototype, 'hello'),
);
class BenchModule {}
Module({ controllers: [HelloController] })(BenchModule);

const config = loadConfig(PROVIDERS, { ...process.env, PORT: process.argv[2] });
process.once('SIGINT', () => process.exit(0));
const { app } = await createDaemun(config, createLogger(config), [BenchModule]);
await app.listen(config.port, config.host);

const accountId = randomUUID();
await app.get(DataSource).query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'bench')`, [accountId]);
await app.get(Profiles, { strict: false }).createIfAbsent(accountId, { nickname: 'bench', avatarUrl: null });
const accessTokens = app.get(AccessTokens, { strict: false });
const tokenOf = (accountId) => accessTokens.issue({ accountId, sessionId: randomUUID(), roles: ['user'] });
const token = tokenOf(accountId);
/** Access tokens of `OTHERS` further accounts. */
const tokens = Array.from({ length: Number(process.env.OTHERS ?? 0) }, () => tokenOf(randomUUID()));

// V8 releases the memory of the start after some idle seconds, if a timer runs now and then.
if (process.argv[3] === 'idle') {
  const heartbeat = setInterval(() => {}, 5_000);
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  clearInterval(heartbeat);
}
/** Refresh tokens of `SESSIONS` sessions. */
const sessions = app.get(Sessions, { strict: false });
const cookies = [];
for (let i = 0; i < Number(process.env.SESSIONS ?? 0); i++) {
  cookies.push((await sessions.open({ accountId, roles: ['user'], method: 'kakao' })).refreshToken);
}
/** The board `BOARD`, with posts of five years. */
const board = process.env.BOARD === undefined ? {} : await fillBoard(process.env.BOARD);
process.send?.({ ready: true, token, tokens, cookies, ...board, idleBytes: process.memoryUsage.rss() });

async function fillBoard(slug) {
  const database = app.get(DataSource);
  const found = await database.query('SELECT id FROM board.boards WHERE slug = $1', [slug]);
  const boardId = found[0]?.id ?? uuidv7();
  if (found.length === 0) {
    await database.query(`INSERT INTO board.boards (id, slug, title) VALUES ($1, $2, 'A board')`, [
      boardId,
      slug,
    ]);
    // In parts, because the embedded database writes a few hundred rows per second.
    for (let day = 1; day < 2_000; day += 200) {
      await database.query(
        `INSERT INTO board.posts (id, board_id, author_id, title, body, excerpt, created_at)
         SELECT gen_random_uuid(), $1, $2, 'post ' || n, md5(n::text) || ' 가나다라 오늘 ' || md5((n / 7)::text), '',
           now() - n * interval '1 day' FROM generate_series($3::int, $3 + 199) AS n`,
        [boardId, accountId, day],
      );
    }
    await database.query(
      `INSERT INTO board.counter_changes (board_id, post_id, change)
       SELECT $1, id, 1 FROM board.posts, generate_series(1, 5) WHERE board_id = $1`,
      [boardId],
    );
    await database.query('UPDATE board.post_counters SET like_count = 5 WHERE board_id = $1', [boardId]);
  }
  const [{ id }] = await database.query('SELECT id FROM board.posts WHERE board_id = $1 LIMIT 1', [boardId]);
  return { boardId, post: `/posts/${id}` };
}
