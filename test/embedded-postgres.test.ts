import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from './support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('the embedded database, with one backend for all connections', () => {
  it('keeps statements apart from the transactions around them', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const [row] = await app.database.transaction((db) =>
          db.query<{ n: number }[]>('SELECT $1::int AS n', [n]),
        );
        const [text] = await app.database.query<{ t: string }[]>('SELECT $1::text AS t', [`${n}`]);
        return [row?.n, text?.t];
      }),
    );
    expect(answers).toEqual(Array.from({ length: 200 }, (_, n) => [n, `${n}`]));
  });

  it('goes on after statements that fail among others', async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) => app.database.query('SELECT 10 / $1::int', [n % 2])),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
  });

  it('keeps parallel transactions apart', async () => {
    await app.database.query('CREATE TABLE tally (n integer)');
    await app.database.query('INSERT INTO tally VALUES (0)');
    await Promise.all(
      Array.from({ length: 30 }, () =>
        app.database.transaction(async (db) => {
          const [row] = await db.query<{ n: number }[]>('SELECT n FROM tally FOR UPDATE');
          await db.query('UPDATE tally SET n = $1', [(row?.n ?? 0) + 1]);
        }),
      ),
    );
    expect(await app.database.query('SELECT n FROM tally')).toEqual([{ n: 30 }]);
  });
});
